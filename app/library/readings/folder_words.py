"""What is said of the models' folder below the list; pure."""

from offload_app.gauges.readings.language import Language
from offload_app.model_folder import MOST_MODELS, FolderScan

_CONTEXT = "Library"


def folder_words(scan: FolderScan | None, language: Language) -> str:
    """Return what is to be said of the folder; empty where models of it are listed."""
    tr = language.translate
    if scan is None:
        return tr(_CONTEXT, "Looking for models…")
    if not scan.is_there:
        text = tr(_CONTEXT, "The folder of models does not exist yet: {folder}. Make it, or choose another.")
    elif scan.reason:
        text = tr(_CONTEXT, "The folder of models cannot be read: {folder}: {reason}. Choose another.")
    elif scan.is_cut:
        text = tr(_CONTEXT, "{folder} holds more than is looked at: {most} models at most, and not every folder below.")
    elif not any(model.path.startswith(scan.folder) for model in scan.models):
        text = tr(_CONTEXT, "Put GGUF files into {folder}, in folders or not, and they appear here.")
    else:
        return ""
    return text.format(folder=scan.folder, reason=scan.reason, most=language.number(MOST_MODELS))
