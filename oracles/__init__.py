"""What the protocol sees: a market path goes in, the answers of a feed come out, all in exact integers.

    history = PushFeed(PushFeedConfig(heartbeat_s=3600)).history(path, block_timestamps)
    history.answer_at(timestamp), history.age_at(timestamp)

Nothing here knows which protocol reads it, opens a file or looks at a clock.
"""

from oracles.congestion import ReturnCongestion
from oracles.errors import OracleError
from oracles.history import Feed, FeedHistory, Reason, Transmission, replay
from oracles.inclusion import BlocksWaited, StagedLottery
from oracles.laws import Constant, Quantiles, Uniform
from oracles.market_feed import MarketFeed
from oracles.nodes import Nodes
from oracles.path import MarketPath
from oracles.push_config import PushFeedConfig
from oracles.push_feed import PushFeed, run_push_feed

__all__ = [
    "BlocksWaited",
    "Constant",
    "Feed",
    "FeedHistory",
    "MarketFeed",
    "MarketPath",
    "Nodes",
    "OracleError",
    "PushFeed",
    "PushFeedConfig",
    "Quantiles",
    "Reason",
    "ReturnCongestion",
    "StagedLottery",
    "Transmission",
    "Uniform",
    "replay",
    "run_push_feed",
]
