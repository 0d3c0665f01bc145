"""Commands to devices: who gets them, how often they are repeated, when they count as carried out."""
