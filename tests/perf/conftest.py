"""Where speed is measured, programs are compiled as users compile them."""

from fixtures.quick import compile_as_users_do

compile_as_users_do()
