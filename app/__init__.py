"""The Qt chat app: a window onto a worker process that runs the model."""
