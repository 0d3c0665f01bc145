"""What ``ess_controller --check`` looks at beyond loading: what variables refer to, and their expressions."""
