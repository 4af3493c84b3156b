"""One identity's timeline, and why each of its sessions begins."""
