"""The functions are in modules and in a subpackage, and read a file of the package."""
