"""Functions of ours inside the database: text and time compare there as they do here.

    function               | here             | SQLite              | PostgreSQL
    -----------------------+------------------+---------------------+---------------------------------------
    ``scim_fold(text)``    | ``folding.fold`` | the same, called    | plpgsql, made out of Python's own table
    ``scim_moment(text)``  | ``moments``      | back                | plpgsql

PostgreSQL 15 has no casefold(), and ``lower`` is no substitute under any collation: it keeps the sharp s and the
final sigma. Folding is a table from one character to one or more, so the function carries the table: a lower-case
ASCII text costs a comparison of lengths, other text a regular expression, and only text with such a character the
table. Both functions are immutable, so an index may use them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from sqlite3 import Connection

from scim_bridge.folding import fold
from scim_bridge.moments import PATTERN, moment


def register(connection: Connection) -> None:
    """Make the functions known to an SQLite connection."""
    connection.create_function("scim_fold", 1, _of_text(fold), deterministic=True)
    connection.create_function("scim_moment", 1, _of_text(moment), deterministic=True)


def _of_text(function: Callable[[str], str | int | None]) -> Callable[[object], str | int | None]:
    return lambda value: function(value) if isinstance(value, str) else None


@cache
def postgresql() -> tuple[str, str]:
    """The statements that make or replace the functions."""
    folds = {
        char: chr(char).casefold() for char in range(0x80, sys.maxunicode + 1) if chr(char).casefold() != chr(char)
    }
    single = {chr(char): to for char, to in folds.items() if len(to) == 1}
    several = {chr(char): to for char, to in folds.items() if len(to) > 1}
    steps = "\n".join(f"      folded := replace(folded, '{char}', '{to}');" for char, to in several.items())
    return (
        _FOLD.format(single="".join(single), folded="".join(single.values()), several="".join(several), steps=steps),
        _MOMENT.format(pattern=PATTERN),
    )


_FOLD = """
CREATE OR REPLACE FUNCTION scim_fold(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
  folded text := lower(value COLLATE "C");
BEGIN
  IF octet_length(value) = length(value) THEN
    RETURN folded;
  END IF;
  IF folded ~ '[{single}]' THEN
    folded := translate(folded, '{single}', '{folded}');
  END IF;
  IF folded ~ '[{several}]' THEN
{steps}
  END IF;
  RETURN folded;
END
$function$
"""

_MOMENT = """
CREATE OR REPLACE FUNCTION scim_moment(value text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
  written text := upper(value COLLATE "C");
  month_begins date;
BEGIN
  IF written !~ '^{pattern}$' THEN
    RETURN NULL;
  END IF;
  month_begins := make_date(substr(written, 1, 4)::int, substr(written, 6, 2)::int, 1);
  IF substr(written, 9, 2)::int > extract(day FROM month_begins + interval '1 month' - interval '1 day') THEN
    RETURN NULL;
  END IF;
  IF written !~ '(Z|[+-][0-9][0-9]:[0-9][0-9])$' THEN
    written := written || 'Z';
  END IF;
  written := regexp_replace(written, '([.][0-9][0-9][0-9][0-9][0-9][0-9])[0-9]+', '\\1');
  RETURN (extract(epoch FROM written::timestamptz) * 1000000)::bigint;
END
$function$
"""
