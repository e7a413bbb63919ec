"""What can go wrong with the EVM of this process."""

from __future__ import annotations

from forks.errors import ForkError


class PyrevmMissing(ForkError):
    """The optional package that runs bytecode in this process is not installed."""

    def __init__(self) -> None:
        super().__init__("no EVM in this process: install pyrevm (requirements.txt names the version)")


class CodeInPlace(ForkError):
    """Code was to be put where code is: the EVM would lose the storage under it."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(f"{address} has code already, and its storage would be lost: choose another address")


class SenderHasCode(ForkError):
    """A contract was to send a transaction: pyrevm holds to EIP-3607, which a node may be told to ignore."""

    def __init__(self, sender: str) -> None:
        self.sender = sender
        super().__init__(
            f"{sender} is a contract and sends nothing by itself here: use a node to impersonate it"
        )


class NotAnswered(ForkError):
    """A method that the EVM of this process does not have."""

    def __init__(self, method: str) -> None:
        self.method = method
        super().__init__(f"the EVM of this process does not answer {method}: start a node for that")


class CheckpointGone(ForkError):
    """A checkpoint was reverted to before, or one taken earlier was."""

    def __init__(self, snapshot_id: str) -> None:
        self.snapshot_id = snapshot_id
        super().__init__(f"checkpoint {snapshot_id} is gone: take a new one after every revert")
