"""Places: the folders and files of one user, as the system wants them."""

from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is kept."""

    config: Path
    data: Path
    state: Path

    @classmethod
    def of_user(cls) -> "Places":
        """Return the places of the user who runs this."""
        return cls(
            Path(platformdirs.user_config_dir("offload", appauthor=False)),
            Path(platformdirs.user_data_dir("offload", appauthor=False)),
            Path(platformdirs.user_state_dir("offload", appauthor=False)),
        )

    @classmethod
    def below(cls, folder: Path) -> "Places":
        """Return places that all lie in `folder`."""
        return cls(folder / "config", folder / "data", folder / "state")

    @property
    def settings(self) -> Path:
        """Return the file of the settings."""
        return self.config / "app.json"

    @property
    def conversations(self) -> Path:
        """Return the file of the conversations."""
        return self.data / "conversations.db"

    @property
    def models(self) -> Path:
        """Return the folder of models where a person has chosen none."""
        return self.data / "models"

    @property
    def downloads(self) -> Path:
        """Return the file of the downloads that are not done."""
        return self.state / "downloads.json"

    @property
    def log(self) -> Path:
        """Return the file of what nobody foresaw."""
        return self.state / "app.log"
