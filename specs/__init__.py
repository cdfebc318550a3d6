"""The machines of QEMU v2.0.0, one file per C file, and the systems that are made of them."""
