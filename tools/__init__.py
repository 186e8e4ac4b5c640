"""What the course is made with; no part of the installed package."""
