"""The histories that the demo replays; where each comes from is in ATTRIBUTION.md, their format in README.md."""

from pathlib import Path

CDNOW = Path(__file__).with_name("cdnow-sample.events.jsonl.gz")
STORY = Path(__file__).with_name("story.events.jsonl")
