# SPDX-License-Identifier: MIT
# style.awk - one C file: length of file, functions and lines, indent, opening lines, marks left in
# comments. Prints "file:line: rule: cure". Called by lint.sh for one file at a time.

BEGIN {
	columns = 100
	levels = 3
	function_lines = 40
	file_lines = 500
}

function fail(line, rule, cure)
{
	printf "%s:%d: %s: %s\n", FILENAME, line, rule, cure
}

# The line without comments and with strings emptied; keeps the state of an open comment.
function code_of(s,    out, c, two, i, n)
{
	out = ""
	n = length(s)
	for (i = 1; i <= n; i++) {
		c = substr(s, i, 1)
		two = substr(s, i, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				i++
			}
		} else if (two == "/*") {
			in_comment = 1
			i++
		} else if (two == "//") {
			break
		} else if (c == "\"" || c == "'") {
			for (i++; i <= n && substr(s, i, 1) != c; i++)
				if (substr(s, i, 1) == "\\")
					i++
			out = out c c
		} else {
			out = out c
		}
	}
	return out
}

function width_of(s,    i, w)
{
	for (i = 1; i <= length(s); i++)
		w += substr(s, i, 1) == "\t" ? 8 - w % 8 : 1
	return w
}

function count(s, re,    t)
{
	t = s
	return gsub(re, "", t)
}

# Is the line after `s` the start of a statement?
function ends_statement(s)
{
	if (s ~ /\)$/)
		return control
	if (s ~ /:$/)
		return s ~ /^(case|default)/ || s ~ /^[a-z_]+:$/
	return s ~ /([;{}]|else|do)$/
}

function check_function(line, bare)
{
	if (line ~ /^\{/ && !data) {
		start = FNR
	} else if (line ~ /^\}/ && start) {
		if (FNR - start - 1 > function_lines)
			fail(start, "function of " (FNR - start - 1) " lines",
			     function_lines " at most: name its parts and split it")
		start = 0
	}
	data = bare ~ /=[ \t]*$/
}

# A statement begins here, not the rest of one and not a member of an initialiser.
function check_indent(line, bare,    tabs)
{
	if (!start || was_macro || bare == "" || bare ~ /^#/)
		return
	match(line, /^\t*/)
	tabs = RLENGTH
	if (tabs > levels && !parens && !data_depth && ends_statement(previous))
		fail(FNR, tabs " levels of indent", levels " at most: return early or split")
	if (!parens)
		control = bare ~ /^(\} )?(else )?(if|for|while|switch)[ (]/
	parens += count(bare, "[(]") - count(bare, "[)]")
	if (parens < 0)
		parens = 0
	if (data_depth || bare ~ /(=|\)|\(|,)[ \t]*\{/ && bare !~ /^(\} )?(else )?(if|for|while|switch)[ (]/)
		data_depth += count(bare, "[{]") - count(bare, "[}]")
	if (data_depth < 0)
		data_depth = 0
	previous = bare
}

FNR == 1 && !/^\/\* SPDX-License-Identifier: MIT \*\/$/ {
	fail(1, "no licence", "open with /* SPDX-License-Identifier: MIT */")
}
FNR == 2 && !/^\/\*/ {
	fail(2, "no opening comment", "say what it does, must not do, who calls it")
}
width_of($0) > columns {
	fail(FNR, width_of($0) " columns", columns " at most")
}
/[ \t]$/ {
	fail(FNR, "space at the end", "remove it")
}
/(^|[^A-Za-z])(TODO|FIXME|XXX|HACK)([^A-Za-z]|$)/ {
	fail(FNR, "work left to do", "do it, or say in the docs what is missing")
}
{
	bare = code_of($0)
	sub(/^[ \t]+/, "", bare)
	sub(/[ \t]+$/, "", bare)
	check_indent($0, bare)
	check_function($0, bare)
	was_macro = bare ~ /\\$/
}
END {
	if (FNR > file_lines)
		fail(FNR, "file of " FNR " lines", file_lines " at most: split it by noun")
}
