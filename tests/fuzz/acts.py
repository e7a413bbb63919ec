"""What the administrator, the oracle and time do between the calls that are compared."""

from __future__ import annotations

from tests import steps as draws
from tests.fuzz.scene import Scene

LARGEST_PRICE = 2**255 - 1


def act(scene: Scene, step: draws.Step) -> int:
    """Do what a step sets up, and return the time after it."""
    arena = scene.arena
    match step:
        case draws.Wait():
            arena.chain.set_time(scene.now + step.seconds)
            return scene.now + step.seconds
        case draws.SetPrice():
            arena.set_price(scene.asset(step.reserve), step.price_base)
        case draws.Steer():
            _steer(scene, step)
        case draws.Configure():
            _configure(scene, step)
        case draws.Transfer():
            _transfer(scene, step)
        case _:
            arena.act(scene, step)
    return scene.now


def _configure(scene: Scene, step: draws.Configure) -> None:
    every = list(scene.market.reserves)
    for reserve_id in every if step.reserve is None else [any_used(scene, step.reserve)]:
        scene.arena.set_field(scene.asset(reserve_id), step.field, step.value)


def any_used(scene: Scene, pick: draws.Pick) -> int:
    """One of the reserves that the first borrower has something to do with."""
    return scene.picked(pick, sorted(scene.market.accounts[scene.user(0)].positions))


def _transfer(scene: Scene, step: draws.Transfer) -> None:
    """aTokens change hands: the model does not know how, so it is done and read back."""
    user = scene.user(step.user)
    reserve_id = scene.picked(step.reserve, scene.supplied(user))
    atoken = scene.arena.reader.listing.reserves[reserve_id].atoken
    amount = step.size.of(scene.balance(user, reserve_id))
    scene.arena.send(user, atoken, "transfer(address,uint256)", scene.user(step.to), amount)


def _steer(scene: Scene, step: draws.Steer) -> None:
    """Scale the prices of what the account has on one side only, so that its health factor comes out as wanted."""
    user = scene.debtor(step.user)
    data = scene.data[user]
    if data is None or not data.total_debt_base:
        return
    wanted, found = step.permille * 10**15, max(data.health_factor_wad, 1)
    supplied, owed = scene.collateral(user), scene.owed(user)
    threshold = {i: max(scene.market.reserves[i].config.liquidation_threshold_bps, 1) for i in supplied}
    sides = [
        (supplied, owed, threshold, wanted, found),
        (owed, supplied, dict.fromkeys(owed, 1), found, wanted),
    ]
    for used, others, weights, over, under in sides if step.collateral else reversed(sides):
        values = {i: scene.value(user, i) * weights[i] for i in used}
        moved = [i for i in used if values[i] and i not in others and scene.arena.movable(i)]
        own = sum(values[i] for i in moved)
        # What stays is in the sum too: what moves must make up for it.
        aim = own * under + sum(values.values()) * (over - under)
        if own and aim > 0:
            for i in moved:
                price = scene.prices[i] * aim // (own * under) + step.offset
                scene.arena.set_price(scene.asset(i), min(max(price, 0), LARGEST_PRICE))
            return
