# SPDX-License-Identifier: MIT
# coverage.awk - the tables of docs/coverage.md from include/calls.def: `coverage.awk calls.def`. One
# table a section of the file, one row a function: aliases, class, how its wrapper is made.
function flush_row(   also) {
	if (!row)
		return
	if (row ~ /^(SPECIAL_)?ALIAS\(/) {
		match(row, /\([A-Za-z0-9_]+, *[A-Za-z0-9_]+/)
		split(substr(row, RSTART + 1, RLENGTH - 1), f, ", *")
		also = f[2] in at ? at[f[2]] : n
		aliases[also] = aliases[also] (aliases[also] ? ", " : "") "`" f[1] "`"
	} else {
		match(row, /\([A-Za-z0-9_]+, *[a-z_]+/)
		split(substr(row, RSTART + 1, RLENGTH - 1), f, ", *")
		name[++n] = f[1]
		class[n] = f[2]
		at[f[1]] = n
		made[n] = substr(row, 1, index(row, "(") - 1)
		section[n] = title
	}
	row = ""
}
BEGIN {
	how["CALL_IO"] = "row: successes counted, EAGAIN recorded, rules"
	how["CALL_FD"] = "row: birth and failures recorded, rules"
	how["CALL_WAIT"] = "row: tells waiting from spinning, rules"
	how["CALL_TRY"] = "row: failures recorded, rules"
	how["SPECIAL"] = "by hand"
}
/^\/\* ---- / {
	flush_row()
	title = $0
	sub(/^\/\* -+ */, "", title)
	sub(/ *-*\*?\/? *-* *\*?\/?$/, "", title)
	sub(/ -+.*$/, "", title)
	next
}
/^(CALL_(IO|FD|WAIT|TRY)|SPECIAL|ALIAS|SPECIAL_ALIAS)\(/ { flush_row(); row = $0; next }
row && /^\t/ { row = row $0; next }
{ flush_row() }
END {
	flush_row()
	for (i = 1; i <= n; i++) {
		if (section[i] != last)
			printf "%s### %s%s\n\n| function | also | class | wrapper |\n|---|---|---|---|\n", (i > 1 ? "\n" : ""), toupper(substr(section[i], 1, 1)), substr(section[i], 2)
		last = section[i]
		printf "| `%s` | %s | %s | %s |\n", name[i], aliases[i], class[i], how[made[i]]
		count += 1
		names += 1 + (aliases[i] ? split(aliases[i], f, ", ") : 0)
	}
	printf "\n%d functions under %d names.\n", count, names
}
