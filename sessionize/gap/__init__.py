"""The gaps between events, and the timeout that they suggest: `sessionize gaps` and `sz.gaps`."""
