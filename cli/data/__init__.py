"""The histories that the demo replays, in the format of README.md, and the font of pictures. ATTRIBUTION.md says where
each comes from."""

from pathlib import Path

CDNOW = Path(__file__).with_name("cdnow-sample.events.jsonl.gz")
STORY = Path(__file__).with_name("story.events.jsonl")
FONT = Path(__file__).with_name("DejaVuSans-Latin.ttf")
