"""The packages to install: found in the tree, so that a new folder needs no entry anywhere."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["offload", "offload.*"]),
        "offload_app",
        *(f"offload_app.{name}" for name in find_packages("app")),
        "offload_models",
    ]
)
