"""The kinds of components: the list in a plant's configuration, the type in its tree, and the model of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tools.twins.models.bms import Bms
from tools.twins.models.direct import DcBus, Dcdc, Pv
from tools.twins.models.ess import Ess
from tools.twins.models.feed import Feed
from tools.twins.models.generator import Generator
from tools.twins.models.grid import Grid
from tools.twins.models.load import Load, Solar
from tools.twins.models.model import Model
from tools.twins.models.pcs import Pcs
from tools.twins.models.rack import Rack
from tools.twins.models.transformer import Transformer

# List -> model.
KINDS: Final[Mapping[str, type[Model]]] = {
    "grids": Grid,
    "feeds": Feed,
    "ess": Ess,
    "pcs": Pcs,
    "bms": Bms,
    "dcdc": Dcdc,
    "dcbus": DcBus,
    "pv": Pv,
    "solar": Solar,
    "gen": Generator,
    "loads": Load,
    "transformers": Transformer,
}

# The racks of a BMS stand inside its entry.
RACKS: Final = "sbmu"
RACK: Final = Rack

# `asset_type` of a node -> list.
ASSET_TYPES: Final[Mapping[str, str]] = {
    "GRID": "grids",
    "FEED": "feeds",
    "ESS": "ess",
    "PCS": "pcs",
    "BMS": "bms",
    "DCDC": "dcdc",
    "DCBUS": "dcbus",
    "PV": "pv",
    "SOLAR": "solar",
    "GEN": "gen",
    "LOAD": "loads",
    "XFMR": "transformers",
}

# Profiles of which both have the same length, the first ascending.
TABLES: Final = (
    ("soc_profile", "vdc_profile"),
    ("soc_charge_vec", "p_charge_vec"),
    ("soc_discharge_vec", "p_discharge_vec"),
    ("vdc_profile", "idc_profile"),
    ("irr_pct_breakpts", "irr_curr_effect"),
    ("irr_pct_breakpts", "irr_volt_effect"),
)
