# SPDX-License-Identifier: MIT
# floors.awk - the #include "..." lines of shim/, tools/ and include/ against floors.txt, which is read
# first. Prints "file:line: rule: cure". Called by lint.sh.

function fail(rule, cure)
{
	printf "%s:%d: %s: %s\n", FILENAME, FNR, rule, cure
}

# The longest family of the table that covers a file; "" when none does.
function family(path,    f, best)
{
	for (f in floor)
		if (covers(f, path) && length(f) > length(best))
			best = f
	return best
}

function covers(f, path,    rest)
{
	if (substr(path, 1, length(f)) != f)
		return 0
	rest = substr(path, length(f) + 1)
	return f ~ /\/$/ || rest == "" || rest ~ /^[._]/
}

# Where the compiler would find it: beside the file, below shim/ or tools/, in common/, then include/.
function resolve(dir, header,    full)
{
	full = dir header
	if (!(full in present) && ("common/" header) in present)
		return "common/" header
	while (full ~ /[^\/]+\/\.\.\//)
		sub(/[^\/]+\/\.\.\//, "", full)
	if (full in present)
		return full
	return ("include/" header) in present ? "include/" header : full
}

function side(path)
{
	return path ~ /^shim\// ? "shim" : path ~ /^tools\// ? "tools" : path ~ /^common\// ? "common" : "include"
}

function check(path, header,    dir, to, from_f, to_f)
{
	dir = path
	sub(/[^\/]*$/, "", dir)
	to = resolve(dir, header)
	if (!(to in present)) {
		fail("include of an unknown file " header, "spell it as it lies beside the file or in include/")
		return
	}
	if (side(to) != "include" && side(to) != "common" && side(to) != side(path)) {
		fail(side(path) "/ includes " to, "what both need belongs into include/")
		return
	}
	from_f = family(path)
	to_f = family(to)
	if (to_f == "" || from_f == "" || from_f == to_f || (path, header) in excepted)
		return
	if (floor[to_f] >= floor[from_f])
		fail("floor " floor[from_f] " (" from_f ") includes " to " of floor " floor[to_f],
		     "lower floors only: pass the data in, or move the question up")
}

FILENAME ~ /floors\.txt$/ {
	if ($1 == "except")
		excepted[$2, $3] = 1
	else if ($1 ~ /^[0-9]+$/)
		floor[$2] = $1
	next
}
FILENAME ~ /files\.list$/ {
	present[$0] = 1
	next
}
FNR == 1 && family(FILENAME) == "" {
	fail("a file without a floor", "add its family to tests/lint/floors.txt")
}
/^#[ \t]*include[ \t]+"/ {
	header = $0
	sub(/^[^"]*"/, "", header)
	sub(/".*/, "", header)
	check(FILENAME, header)
}
