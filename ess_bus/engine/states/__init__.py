"""State machines of an ESS and its devices: tables (`ess`, `bms`, `pcs`), and what carries them out."""
