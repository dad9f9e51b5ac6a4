"""Loggers: where the rows of `lox.spool` go, one a file; importing them loads none of the libraries they write with."""

from memorax.loggers.base import Logger
from memorax.loggers.checkpoint import CheckpointLogger
from memorax.loggers.dashboard import DashboardLogger
from memorax.loggers.file import FileLogger
from memorax.loggers.multi import MultiLogger
from memorax.loggers.rows import Rows, rows_of
from memorax.loggers.tensorboard import TensorBoardLogger
from memorax.loggers.wandb import WandbLogger

__all__ = [
    "CheckpointLogger",
    "DashboardLogger",
    "FileLogger",
    "Logger",
    "MultiLogger",
    "Rows",
    "TensorBoardLogger",
    "WandbLogger",
    "rows_of",
]
