"""The model by which pairs are judged: the shipped one, or a file that `wirecopy tune` wrote."""

import msgspec

from wirecopy.detection.evidence.model import Model, shipped_model
from wirecopy.errors import ConfigError

_SETTING = "detection.model"
_WANTED = "expected a model as `wirecopy tune` writes it"


def load(file: str | None) -> Model:
    """Return the model in `file`, the shipped one for None. Raises ConfigError naming the file and what was
    expected.
    """
    if file is None:
        return shipped_model()
    try:
        with open(file, "rb") as stream:
            model = msgspec.json.decode(stream.read(), type=Model)
        model.arrays()
        model.screen_array(0.0)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(file, _SETTING, f"{_WANTED}: {reason}") from None
    except KeyError as error:
        raise ConfigError(file, _SETTING, f"{_WANTED}: there is no feature {error}") from None
    if not any(model.weights.values()):
        raise ConfigError(file, _SETTING, f"{_WANTED}: all weights are 0")
    return model
