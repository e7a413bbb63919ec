"""Linking, calldata and the names of errors, on the real artifacts of both revisions."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from forks import artifacts
from forks.artifacts import ErrorTable, decode_revert
from forks.toolchain import PackageMissing

ADDRESS = "0x" + "ab" * 20


@pytest.fixture(scope="module")
def v36():
    return artifacts.aave_v36()


def error(signature: str, types: tuple[str, ...] = (), *arguments: object) -> bytes:
    return keccak(text=signature)[:4] + encode(types, arguments)


@pytest.mark.parametrize(
    "name",
    [
        "MustNotLeaveDust",
        "HealthFactorNotBelowThreshold",
        "CollateralCannotBeLiquidated",
        "SpecifiedCurrencyNotBorrowedByUser",
        "SelfLiquidation",
        "ReserveInactive",
        "ReservePaused",
        "LiquidationGraceSentinelCheckFailed",
        "PriceOracleSentinelCheckFailed",
        "InvalidBurnAmount",
    ],
)
def test_every_refusal_of_a_liquidation_has_its_name(v36, name):
    assert decode_revert(error(f"{name}()"), v36.errors) == name


def test_an_error_with_arguments_has_its_name(v36):
    data = error("SafeCastOverflowedUintDowncast(uint8,uint256)", ("uint8", "uint256"), 128, 2**130)
    assert decode_revert(data, v36.errors) == "SafeCastOverflowedUintDowncast"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("45", "HealthFactorNotBelowThreshold"),
        ("46", "CollateralCannotBeLiquidated"),
        ("47", "SpecifiedCurrencyNotBorrowedByUser"),
        ("27", "ReserveInactive"),
        ("29", "ReservePaused"),
        ("59", "PriceOracleSentinelCheckFailed"),
        ("25", "InvalidBurnAmount"),
        ("ERC20: transfer amount exceeds balance", "ERC20: transfer amount exceeds balance"),
    ],
)
def test_numbered_strings_have_the_names_of_later_versions(code, name):
    assert decode_revert(error("Error(string)", ("string",), code), artifacts.aave_v302_errors()) == name


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "EmptyRevert"),
        (error("Panic(uint256)", ("uint256",), 0x11), "Panic(0x11)"),
        (error("Panic(uint256)", ("uint256",), 0x12), "Panic(0x12)"),
        (bytes.fromhex("deadbeef"), "UnknownError(0xdeadbeef)"),
        (bytes.fromhex("08c379a0") + b"\1", "UnknownError(0x08c379a0)"),
        (error("Error(string)", ("string",), "re-entered")[:-1] + b"\1", "re-entered"),
    ],
)
def test_reverts_that_are_no_errors_of_the_contract_are_told_apart(data, name):
    assert decode_revert(data, ErrorTable(by_selector={}, by_code={})) == name


def test_linking_puts_every_address_where_it_belongs_and_nothing_else_changes(v36):
    pool = v36["PoolInstance"]
    libraries = {name: "0x" + bytes([place] * 20).hex() for place, name in enumerate(pool.libraries, 1)}
    code = artifacts.link(pool, libraries)

    assert len(code) == len(pool.bytecode) // 2
    for name, offsets in pool.link_references.items():
        assert offsets
        assert all(code[offset : offset + 20].hex() == libraries[name][2:] for offset in offsets)
    untouched = bytearray(code)
    for offsets in pool.link_references.values():
        for offset in offsets:
            untouched[offset : offset + 20] = bytes(20)
    placeholders = [2 * offset for offsets in pool.link_references.values() for offset in offsets]
    blank = pool.bytecode
    for start in placeholders:
        blank = blank[:start] + "0" * 40 + blank[start + 40 :]
    assert bytes(untouched) == bytes.fromhex(blank)


def test_a_library_that_was_not_given_is_named(v36):
    with pytest.raises(artifacts.LibraryNotLinked, match="BorrowLogic"):
        v36["FlashLoanLogic"].creation()


def test_the_libraries_of_both_revisions_are_the_known_ones(v36):
    assert v36["PoolInstance"].libraries == (
        "BorrowLogic",
        "FlashLoanLogic",
        "LiquidationLogic",
        "PoolLogic",
        "SupplyLogic",
    )
    assert len(artifacts.hardhat_artifact("@aave/core-v3", "Pool").libraries) == 7


def test_a_function_is_called_by_name_or_by_signature(v36):
    supply = v36["PoolInstance"].call("supply", ADDRESS, 5, ADDRESS, 0)
    types = ["address", "uint256", "address", "uint16"]
    assert supply == keccak(text="supply(address,uint256,address,uint16)")[:4] + encode(
        types, [ADDRESS, 5, ADDRESS, 0]
    )

    with pytest.raises(artifacts.UnknownFunction):
        v36["MintableERC20"].call("mint", 5)
    assert v36["MintableERC20"].call("mint(uint256)", 5) == keccak(text="mint(uint256)")[:4] + encode(
        ["uint256"], [5]
    )
    with pytest.raises(artifacts.UnknownFunction):
        v36["PoolInstance"].call("flashSale")


def test_every_set_names_what_it_has_not():
    with pytest.raises(PackageMissing, match="ComptrollerG8"):
        artifacts.compound_v2(["Comptroller", "ComptrollerG8"])
    with pytest.raises(PackageMissing, match="Comptroller2"):
        artifacts.venus_isolated(["Comptroller2"])


def test_the_comptrollers_of_two_protocols_are_not_taken_for_one_another():
    compound, venus = artifacts.compound_v2(["Comptroller"]), artifacts.venus_isolated(["Comptroller"])
    assert compound["Comptroller"].source.startswith("@thenextblock/hardhat-compound/")
    assert venus["Comptroller"].source.startswith("@venusprotocol/isolated-pools/")
    assert compound["Comptroller"].bytecode != venus["Comptroller"].bytecode


def test_the_errors_of_venus_have_the_names_of_both_contracts():
    errors = artifacts.venus_isolated(["Comptroller", "VToken"]).errors
    data = error("MinimalCollateralViolated(uint256,uint256)", ("uint256", "uint256"), 1, 2)
    assert decode_revert(data, errors) == "MinimalCollateralViolated"
    assert decode_revert(error("LiquidateLiquidatorIsBorrower()"), errors) == "LiquidateLiquidatorIsBorrower"
