"""What the protocol sees: a market path goes in, the answers of a feed come out, all in exact integers.

    history = PushFeed(PushFeedConfig(heartbeat_s=3600)).history(path, block_timestamps)
    history.answer_at(timestamp), history.age_at(timestamp)

Nothing here knows which protocol reads it, opens a file or looks at a clock.
"""

from oracles.errors import OracleError
from oracles.history import Feed, FeedHistory, Reason, Transmission, replay
from oracles.market_feed import MarketFeed
from oracles.path import MarketPath
from oracles.push_config import PushFeedConfig
from oracles.push_feed import PushFeed, run_push_feed

__all__ = [
    "Feed",
    "FeedHistory",
    "MarketFeed",
    "MarketPath",
    "OracleError",
    "PushFeed",
    "PushFeedConfig",
    "Reason",
    "Transmission",
    "replay",
    "run_push_feed",
]
