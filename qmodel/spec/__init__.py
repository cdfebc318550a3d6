"""What a user writes: machines as ordinary classes.  Imports only the standard library."""
