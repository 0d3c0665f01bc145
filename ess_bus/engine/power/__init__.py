"""Powers: what may be commanded, and how a command is shared. Pure; discharge is +, charge is -, kW, kvar and kVA."""
