"""A callback that writes down its calls."""

from minidl import Callback

HOOKS = ("on_fit_start", "on_epoch_start", "on_step_end", "on_epoch_end", "on_fit_end")


class Log(Callback):
    """Keeps hook, epoch and step of every call; in `raises`, a hook and an epoch, it raises once instead."""

    def __init__(self, raises=None):
        self.calls, self.raises = [], raises


def _logging(hook):
    def call(self, trainer):
        if self.raises == (hook, trainer.epoch):
            self.raises = None
            raise RuntimeError(hook)
        self.calls.append((hook, trainer.epoch, trainer.step))

    return call


for _hook in HOOKS:
    setattr(Log, _hook, _logging(_hook))
