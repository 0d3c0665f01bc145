"""The models of a plant's components: pure, the time that passes is passed in. kW and kvar; delivering is +."""
