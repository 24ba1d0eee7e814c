"""Every file in ``errors``: one mistake, one finding, at its place; and what the finding proposes works."""

from __future__ import annotations

import os
import re

import pytest

from convcalc.diagnostics import SpecError
from convcalc.spec import read, read_spec

ERRORS = os.path.join(os.path.dirname(__file__), "errors")

# file: code, line, column, message, fix; and the proposal carried out: this text becomes that text.
MISTAKES = {
    "bare-op-with-sibling": (
        "missing-colon", 3, 5,
        "'batch_norm' has entries below it, but no colon",
        "write `- batch_norm:`",
        "- batch_norm\n", "- batch_norm:\n",
    ),
    "bare-op-with-arguments": (
        "missing-colon", 3, 5,
        "'conv' has entries below it, but no colon",
        "write `- conv:`, and indent `out_channels` by 6 spaces",
        "- conv\n    out_channels: 8\n    kernel", "- conv:\n          out_channels: 8\n          kernel",
    ),
    "argument-without-value": (
        "missing-value", 4, 12,
        "'mid' has no value",
        "write one, or in the args of a block `mid: required`",
        "mid:,", "mid: required,",
    ),
    "colon-in-brackets": (
        "missing-space", 3, 29,
        "a space is missing after the colon",
        "write `kernel_size: [3, 3]`",
        "kernel_size:[", "kernel_size: [",
    ),
    "unquoted-comparison": (
        "special-character", 5, 11,
        "'>' at the start of a value opens a block of text",
        'quote it: `">= 26M"`',
        ">= 26M", '">= 26M"',
    ),
    "unquoted-comparison-in-braces": (
        "special-character", 4, 18,
        "'>' at the start of a value opens a block of text",
        'quote it: `">= 26M"`',
        ">= 26M", '">= 26M"',
    ),
    "block-text": (
        "block-text", 5, 11,
        "'>' at the start of a value opens a block of text",
        'quote it: `">3"`',
        ">3", '">3"',
    ),
    "alias": (
        "alias", 4, 26,
        "'*width' is a YAML alias, and a spec has none",
        "write `width` or the value itself; what repeats goes under vars or blocks",
        "*width", "width",
    ),
    "star-at-start": (
        "special-character", 5, 21,
        "'*' at the start of a value is a YAML alias",
        "write `width * 2`, or quote the value",
        "*width * 2", "width * 2",
    ),
    "bang-at-start": (
        "tag", 5, 11,
        "'!width' is a YAML tag, and a spec has none",
        "write `not width` if that is meant",
        "!width", "not width",
    ),
    "bang-in-braces": (
        "special-character", 4, 20,
        "'!' at the start of a value is a YAML tag",
        "write `not width`",
        "!width", "not width",
    ),
    "comma-in-list": (
        "split-by-comma", 2, 12,
        "inside [ ] or { } the comma splits 'max(H, W)' in two",
        'quote it: `"max(H, W)"`',
        "max(H, W)", '"max(H, W)"',
    ),
    "comma-in-map": (
        "split-by-comma", 4, 26,
        "inside [ ] or { } the comma splits '2*max(H, W)' in two",
        'quote it: `"2*max(H, W)"`',
        "2*max(H, W)", '"2*max(H, W)"',
    ),
    "tab": (
        "tab", 3, 1,
        "this line is indented with a tab",
        "indent with spaces",
        "\t-", "  -",
    ),
    "tab-after-value": (
        "tab", 5, 1,
        "this line is indented with a tab",
        "indent with spaces",
        "\t  k", "      k",
    ),
    "missing-space-in-braces": (
        "missing-space", 3, 29,
        "a space is missing after the colon of 'kernel_size:3'",
        "write `kernel_size: 3`",
        "size:3", "size: 3",
    ),
    "missing-space": (
        "not-a-map", 4, 7,
        "'conv' takes its arguments by name, and this is the text 'kernel_size:3'",
        "write `kernel_size: 3`",
        "size:3", "size: 3",
    ),
    "missing-space-then-key": (
        "missing-space", 4, 7,
        "a space is missing after the colon",
        "write `kernel_size: 3`",
        "size:3", "size: 3",
    ),
    "missing-space-after-key": (
        "missing-space", 5, 7,
        "a space is missing after the colon",
        "write `kernel_size: 3`",
        "size:3", "size: 3",
    ),
    "missing-space-after-op": (
        "missing-space", 3, 5,
        "a space is missing after the colon",
        "write `conv: {out_channels: 8, kernel_size: 1}`",
        "conv:{", "conv: {",
    ),
    "missing-space-after-dash": (
        "not-a-list", 3, 3,
        "layers are a list, and this is the text '-relu -relu'",
        "write a space after the dash: `- relu`",
        "-relu\n  -relu", "- relu\n  - relu",
    ),
    "missing-space-after-one-dash": (
        "missing-space", 3, 3,
        "a space is missing after the dash of '-linear'",
        "write `- linear`",
        "-linear", "- linear",
    ),
    "cut-short": (
        "brackets", 3, 8,
        "this '[' is never closed",
        "close it: `input: [3, 8]`",
        "8, ", "8]",
    ),
    "cut-short-in-lines": (
        "brackets", 4, 9,
        "this '{' is never closed",
        "close it: `conv: {out_channels: 3, kernel_size: 1}]`",
        "1,  # more", "1}]  # more",
    ),
    "missing-bracket": (
        "brackets", 1, 8,
        "this '[' is never closed",
        "close it: `[3, 8, 8]`",
        "8, 8\n", "8, 8]\n",
    ),
    "missing-bracket-before-brace": (
        "brackets", 3, 47,
        "'}' closes a '['",
        "write `- conv: {out_channels: 8, kernel_size: [3, 3]}`",
        "[3, 3}", "[3, 3]}",
    ),
    "missing-brace": (
        "brackets", 3, 11,
        "this '{' is never closed",
        "close it: `{out_channels: 8, kernel_size: 3}`",
        "size: 3\n", "size: 3}\n",
    ),
    "missing-brace-after-lines": (
        "brackets", 3, 11,
        "this '{' is never closed",
        "write '}' at the end of line 4",
        "size: 3\n", "size: 3}\n",
    ),
    "wrong-bracket": (
        "brackets", 1, 16,
        "'}' closes a '['",
        "write `input: [3, 8, 8]`",
        "8}", "8]",
    ),
    "bracket-too-many": (
        "brackets", 1, 17,
        "nothing opened what this ']' closes",
        "remove it: `input: [3, 8, 8]`",
        "8]]", "8]",
    ),
    "missing-comma": (
        "comma", 3, 28,
        "a comma is missing before 'kernel_size'",
        "write `, kernel_size`",
        "8 kernel", "8, kernel",
    ),
    "missing-comma-at-line-end": (
        "comma", 4, 12,
        "a comma is missing before 'kernel_size'",
        "write `, kernel_size`",
        "8\n           k", "8\n           , k",
    ),
    "comma-twice": (
        "brackets", 1, 11,
        "a value is missing before this comma",
        "write `input: [3, 8, 8]`",
        "3,, 8", "3, 8",
    ),
    "percent-at-start": (
        "special-character", 1, 7,
        "'%' at the start of a value is a YAML directive",
        'quote it: `"%net"`',
        "%net", '"%net"',
    ),
    "at-sign-at-start": (
        "special-character", 1, 7,
        "'@' at the start of a value is reserved by YAML",
        'quote it: `"@net"`',
        "@net", '"@net"',
    ),
    "backtick-at-start": (
        "special-character", 1, 7,
        "'`' at the start of a value is reserved by YAML",
        "write 'net' without them",
        "`net`", "net",
    ),
    "question-mark-at-start": (
        "special-character", 1, 7,
        "'?' at the start of a value is a YAML key indicator",
        'quote it: `"? net"`',
        "? net", '"? net"',
    ),
    "ampersand-at-start": (
        "special-character", 1, 7,
        "'&' at the start of a value is a YAML anchor",
        'quote it: `"& net"`',
        "& net", '"& net"',
    ),
    "pipe-at-start": (
        "special-character", 1, 7,
        "'|' at the start of a value opens a block of text",
        'quote it: `"|net"`',
        "|net", '"|net"',
    ),
    "comma-at-start": (
        "special-character", 1, 7,
        "a value cannot start with ','",
        'quote it: `",net"`',
        ",net", '",net"',
    ),
    "directive": (
        "special-character", 1, 1,
        "'%' at the start of a line is a YAML directive",
        "remove the line, or put it in quotes",
        "%name net\n", "",
    ),
    "open-quote": (
        "quotes", 1, 7,
        "this quote is never closed",
        'close it: `"net"`',
        '"net', '"net"',
    ),
    "text-after-quote": (
        "quotes", 1, 7,
        "a quoted text ends, and more follows it",
        'put all of it in one pair of quotes: `"net a"`',
        '"net" a', '"net a"',
    ),
    "escape": (
        "quotes", 1, 7,
        "'\\q' means nothing inside double quotes",
        "use single quotes: `'net \\q'`",
        '"net \\q"', "'net \\q'",
    ),
    "colon-in-text": (
        "second-colon", 1, 7,
        "a second ': ' in one value",
        'quote it: `name: "Net: a study"`',
        "name: Net: a study", 'name: "Net: a study"',
    ),
    "arguments-without-braces": (
        "second-colon", 3, 11,
        "a second ': ' in one value",
        "put what follows in braces: `conv: {out_channels: 8, kernel_size: 3}`",
        "conv: out_channels: 8, kernel_size: 3", "conv: {out_channels: 8, kernel_size: 3}",
    ),
    "indented-too-far": (
        "indentation", 2, 3,
        "this line is indented by 2 spaces, unlike the lines above it",
        "do not indent it",
        "  outputs", "outputs",
    ),
    "indented-too-little": (
        "indentation", 4, 2,
        "this line is indented by 1 space, unlike the lines above it",
        "indent it by 2 spaces",
        " - relu\n - relu", " - relu\n  - relu",
    ),
    "entry-indented-too-far": (
        "indentation", 4, 5,
        "this line is indented by 4 spaces, unlike the lines above it",
        "indent it by 2 spaces",
        "    - relu", "  - relu",
    ),
    "sibling-indented-too-little": (
        "indentation", 4, 2,
        "this line is indented by 1 space, unlike the lines above it",
        "indent it by 2 spaces",
        " name: out", "  name: out",
    ),
    "sibling-at-the-dash": (
        "indentation", 4, 3,
        "'name' does not stand beside 'relu'",
        "indent `name` by 4 spaces",
        "\n  name: out", "\n    name: out",
    ),
    "sibling-of-bare-op-at-the-dash": (
        "indentation", 4, 3,
        "'name' does not stand beside 'relu'",
        "write `- relu:` with a colon, and indent `name` by 4 spaces",
        "- relu\n  name: out", "- relu:\n    name: out",
    ),
    "first-line-indented": (
        "indentation", 1, 1,
        "the top-level keys are not indented alike",
        "remove the 2 spaces before the first key",
        "  name", "name",
    ),
    "missing-dash": (
        "missing-dash", 4, 3,
        "a key between the entries of a list",
        "write `- linear: {out_features: 8}`",
        "  linear", "  - linear",
    ),
    "missing-first-dash": (
        "missing-dash", 3, 3,
        "a list entry follows this key of a map",
        "write `- linear: {out_features: 8}`",
        "  linear", "  - linear",
    ),
    "list-on-line-of-key": (
        "dash-in-value", 2, 9,
        "a list starts on the line of its key",
        "put `- relu` on a line of its own",
        "layers: - relu", "layers:\n  - relu",
    ),
    "key-without-colon": (
        "missing-colon", 5, 7,
        "'kernel_size' is neither a list entry nor a key with a value",
        "write `kernel_size: ` and a value",
        "kernel_size\n", "kernel_size: 3\n",
    ),
    "missing-key": (
        "missing-key", 4, 1,
        "a key is missing before the colon",
        "write a name there",
        ": 3\n", "name: net\n",
    ),
    "anchor": (
        "anchor", 1, 8,
        "'&shape' is a YAML anchor, and a spec has none",
        "remove `&shape`; what repeats goes under vars or blocks",
        "&shape ", "",
    ),
    "tag": (
        "tag", 1, 8,
        "'!!seq' is a YAML tag, and a spec has none",
        "remove `!!seq`",
        "!!seq ", "",
    ),
    "merge-key": (
        "merge-key", 3, 12,
        "the merge key '<<' is not part of a spec",
        "write the entries out, or use a block",
        "<<: {out_channels: 8}", "out_channels: 8",
    ),
    "duplicate-key": (
        "duplicate-key", 5, 1,
        "'input' is given twice",
        "remove one of the two",
        "input: [4, 8, 8]\n", "",
    ),
    "several-documents": (
        "several-documents", 2, 1,
        "a second YAML document starts here",
        "remove the line `---`",
        "---\n", "",
    ),
    "empty": (
        "empty", 1, 1,
        "there is no spec in this text",
        "start with `input:` and `layers:`",
        "# nothing here\n", "input: [3, 8, 8]\nlayers:\n  - relu\n",
    ),
    "number-as-key": (
        "key-not-text", 1, 8,
        "a key is text, and '1' is not",
        "write a name that starts with a letter",
        "1: 3", "one: 3",
    ),
    "list-as-key": (
        "key-not-text", 1, 8,
        "a key is text, and this is a list or a map",
        "write a name",
        "[a]", "a",
    ),
    "number-too-large": (
        "too-large", 1, 11,
        "the number does not fit in 63 bits",
        "write a smaller number",
        "9223372036854775808", "9223372036854775807",
    ),
    "float-too-large": (
        "too-large", 3, 18,
        "the number does not fit in a float",
        "write a smaller number",
        "1e999", "1e-9",
    ),
    "not-a-map": (
        "not-a-map", 1, 1,
        "a spec is a map, and this is a list",
        "write it as in `layers: [relu]`",
        "- relu\n- relu\n", "input: [3, 8, 8]\nlayers:\n  - relu\n",
    ),
    "unknown-key": (
        "unknown-key", 4, 1,
        "a spec has no key 'ouputs'",
        "did you mean 'outputs'?",
        "ouputs", "outputs",
    ),
    "missing-input": (
        "missing-input", 1, 1,
        "the spec has no `input`",
        "add one, as in `input: [3, H, W]`",
        "layers", "input: [3, 8, 8]\nlayers",
    ),
    "missing-layers": (
        "missing-layers", 1, 1,
        "the spec has no `layers`",
        "add one, as in `layers: [relu]`",
        "input: [3, 8, 8]\n", "input: [3, 8, 8]\nlayers:\n  - relu\n",
    ),
    "no-layers": (
        "missing-layers", 2, 9,
        "there are no layers",
        "list some, as in `layers: [relu]`",
        "[]", "[relu]",
    ),
    "format": (
        "format", 1, 9,
        "the format is 1, and this is the number 2",
        "write `format: 1`, or use a newer convcalc",
        "format: 2", "format: 1",
    ),
    "name-not-text": (
        "not-text", 1, 7,
        "the name is a text, and this is the number 2024",
        'write it in quotes: "2024"',
        "2024", '"2024"',
    ),
    "vars-not-a-map": (
        "not-a-map", 1, 7,
        "vars is a map, and this is a list",
        "write it as in `vars: {H: 224}`",
        "[H, W]", "{H: 224}",
    ),
    "variable-without-value": (
        "missing-value", 1, 9,
        "the variable 'H' has no value",
        "give it a default, as in `H: 224`",
        "{H,", "{H: 224,",
    ),
    "float-variable": (
        "not-an-integer", 1, 15,
        "variables are integers, and this is the number 1.4",
        "use hundredths, as in `alpha: 140` and `alpha*width//100`",
        "alpha: 1.4", "alpha: 140",
    ),
    "reserved-variable": (
        "reserved-name", 1, 8,
        "'same' has a meaning of its own, so a variable cannot be called so",
        "call it 'same_'",
        "same", "same_",
    ),
    "bad-variable-name": (
        "bad-name", 1, 8,
        "'h-w' cannot name a variable",
        "use letters, digits and _, and start with a letter",
        "h-w", "h_w",
    ),
    "expression": (
        "expression", 1, 17,
        "in '2*': a value is missing at the end",
        "write a number or a name",
        "2*", "2*H",
    ),
    "single-slash": (
        "expression", 1, 17,
        "in 'H/2': '/' would leave the integers",
        "use a//b, ceil(a/b) or floor(a/b)",
        "H/2", "H//2",
    ),
    "input-not-a-list": (
        "not-a-list", 1, 8,
        "a shape is a list, and this is the number 3",
        "write it as in `[3, H, W]`",
        "input: 3", "input: [3, H, W]",
    ),
    "bracket-not-opened": (
        "not-a-list", 1, 8,
        "a shape is a list, and this is the text '3, 8, 8]'",
        "write it as in `[3, H, W]`",
        "3, 8", "[3, 8",
    ),
    "size-not-positive": (
        "not-positive", 1, 12,
        "a size is at least 1, and this is 0",
        "write a positive number",
        "0", "1",
    ),
    "size-not-an-integer": (
        "not-an-integer", 1, 12,
        "a size is an integer, and this is the number 8.5",
        "write a whole number or an expression",
        "8.5", "8",
    ),
    "too-many-axes": (
        "bad-rank", 1, 8,
        "a shape has 1 to 5 entries (channels, then spatial axes), and this has 6",
        "leave the batch axis out: it is implicit",
        "[1, ", "[",
    ),
    "unknown-dtype": (
        "unknown-dtype", 1, 31,
        "'float' is not a dtype",
        "did you mean 'float64'?",
        "dtype: float", "dtype: float16",
    ),
    "missing-shape": (
        "missing-shape", 1, 1,
        "this input has no shape",
        "add one, as in `shape: [3, H, W]`",
        "{dtype", "{shape: [3, H, W], dtype",
    ),
    "bad-input-name": (
        "bad-name", 1, 9,
        "'x/y' is not the name of an input",
        "a name has letters, digits, _ and -, and starts with a letter",
        "x/y", "x_y",
    ),
    "block-name": (
        "bad-name", 3, 3,
        "a block's name starts with a capital, and 'unit' does not",
        "call it 'Unit'",
        "unit", "Unit",
    ),
    "block-without-layers": (
        "missing-layers", 3, 3,
        "the block 'Unit' has no `layers`",
        "add some, as in `layers: [relu]`",
        "[mid]}", "[mid], layers: [relu]}",
    ),
    "unknown-block-key": (
        "unknown-key", 4, 5,
        "a block has no key 'arguments'",
        "did you mean 'args'?",
        "arguments", "args",
    ),
    "argument-without-default": (
        "missing-value", 4, 17,
        "the argument 'mid' has no default",
        "give it one, or write `mid: required`",
        "mid: ", "mid: required",
    ),
    "map-as-default": (
        "bad-default", 4, 17,
        "an argument's default cannot be a map",
        "write a number, a word, an expression or a list",
        "{a: 1}", "1",
    ),
    "argument-twice": (
        "duplicate-name", 4, 17,
        "the argument 'mid' is given twice",
        "remove one of the two",
        "[mid, mid]", "[mid]",
    ),
    "layers-not-a-list": (
        "not-a-list", 2, 9,
        "layers are a list, and this is a map",
        "start every layer with '- '",
        "{relu: }", "[relu]",
    ),
    "not-a-layer": (
        "not-a-layer", 3, 5,
        "a layer is an op, or a map with one, and this is the number 3",
        "write an op, as in `- relu` or `- conv: {out_channels: 8, kernel_size: 3}`",
        "- 3", "- relu",
    ),
    "bad-op": (
        "bad-op", 3, 5,
        "'conv 3x3' is not the name of an op",
        "write an op, as in `- relu` or `- conv: {out_channels: 8, kernel_size: 3}`",
        "- conv 3x3", "- conv: {out_channels: 8, kernel_size: 3}",
    ),
    "missing-op": (
        "missing-op", 3, 5,
        "this entry names no op",
        "write an op, as in `- relu` or `- conv: {out_channels: 8, kernel_size: 3}`",
        "- name: out", "- relu:\n    name: out",
    ),
    "two-ops": (
        "two-ops", 4, 5,
        "a second op, 'relu', in the entry of 'linear'",
        "start it with a dash of its own: `- relu:`",
        "    relu:", "  - relu:",
    ),
    "arguments-not-indented": (
        "not-indented", 4, 5,
        "'out_channels' stands beside 'conv', not among its arguments",
        "indent it further than 'conv'",
        "    out", "      out",
    ),
    "argument-beside-op": (
        "not-indented", 4, 5,
        "'stride' stands beside 'conv', not among its arguments",
        "move it into the arguments of 'conv'",
        "8}\n    stride: 2\n", "8, stride: 2}\n",
    ),
    "unknown-sibling": (
        "unknown-key", 4, 5,
        "a layer has no key 'nmae' beside its op",
        "did you mean 'name'?",
        "nmae", "name",
    ),
    "number-as-arguments": (
        "not-a-map", 3, 13,
        "'linear' takes its arguments by name, and this is the number 64",
        "write `linear: {...}` with the argument's name",
        "linear: 64", "linear: {out_features: 64}",
    ),
    "numbers-as-arguments": (
        "not-a-map", 3, 11,
        "'conv' takes its arguments by name, and this is a list",
        "write `conv: {...}` with the argument's name",
        "conv: [16, 3]", "conv: {out_channels: 16, kernel_size: 3}",
    ),
    "names-as-branches": (
        "not-a-branch", 5, 14,
        "each branch of 'concat' is itself a list, and this is the text 'first'",
        "write `concat:`, and what it joins below it: `from: [first, input]`",
        "concat: [first, input]", "concat:\n    from: [first, input]",
    ),
    "branch-not-a-list": (
        "not-a-branch", 4, 9,
        "each branch of 'add' is itself a list, and this is a map",
        "start a branch with two dashes: `- - conv:`",
        "- conv:", "- - conv:",
    ),
    "no-branches": (
        "no-branches", 4, 13,
        "'concat' joins no branches",
        "list the branches, or write `concat:` and what it joins after `from:`",
        "concat: []", "concat:",
    ),
    "bad-layer-name": (
        "bad-name", 4, 11,
        "'1st' is not a layer's name",
        "a name has letters, digits, _ and -, and starts with a letter",
        "1st", "first",
    ),
    "duplicate-name": (
        "duplicate-name", 6, 11,
        "the name 'out' is taken",
        "choose another name",
        "8}\n    name: out", "8}\n    name: logits",
    ),
    "name-like-automatic-one": (
        "duplicate-name", 4, 11,
        "the name 'relu_2' is taken",
        "choose another name",
        "relu_2", "first",
    ),
    "name-of-the-input": (
        "duplicate-name", 4, 11,
        "the name 'input' is taken",
        "choose another name",
        "name: input", "name: out",
    ),
    "bad-from": (
        "bad-name", 5, 11,
        "'relu 1' is not the name of a layer",
        "a name has letters, digits, _ and -, and starts with a letter",
        "relu 1", "relu_1",
    ),
    "empty-from": (
        "empty-list", 4, 11,
        "this list of names is empty",
        "name one, or remove the key",
        "    from: []\n", "",
    ),
    "repeat-not-an-integer": (
        "not-an-integer", 4, 13,
        "repeat is an integer, and this is the number 1.5",
        "write a whole number or an expression",
        "1.5", "2",
    ),
    "when-expression": (
        "expression", 5, 11,
        "in 'H > 8 > W': comparisons do not chain",
        "join two comparisons with 'and'",
        "H > 8 > W", "H > 8 and 8 > W",
    ),
    "expect-not-a-map": (
        "not-a-map", 4, 9,
        "expect is a map, and this is the number 100",
        "write it as in `expect: {params: 100}`",
        "100", "{params: 100}",
    ),
    "expect-float": (
        "not-an-integer", 4, 18,
        "the claim 'params' is an integer, and this is the number 1.5",
        "write a whole number or an expression",
        "1.5", "2",
    ),
    "expect-shape": (
        "not-a-list", 4, 21,
        "the shape is a list, and this is the number 8",
        "write it as in `shape: [64, 7, 7]`",
        "shape: 8", "shape: [64, 7, 7]",
    ),
    "expect-bound": (
        "bound", 4, 18,
        "params is expected to be one number, and '<= 1k' is a bound",
        "put it under budget",
        "expect", "budget",
    ),
    "expect-unit": (
        "bound", 4, 18,
        "what is expected of params is exact, without a unit",
        "write params: 1500",
        "1.5k", "1500",
    ),
    "bound": (
        "bound", 4, 18,
        "a bound is a relation (<, <=, > or >=) and a number",
        'write a relation, a number and perhaps a unit, as in "<= 26M"',
        "about 26M", '"<= 26M"',
    ),
    "bound-without-relation": (
        "bound", 4, 18,
        "a bound is a relation (<, <=, > or >=) and a number",
        'put a relation before it: "<= 26M"',
        "26M", '"<= 26M"',
    ),
    "bound-number": (
        "bound", 4, 18,
        "a budget is a relation and a number, and this is the number 26000000",
        'say `"<= 26000000"`',
        "26_000_000", '"<= 26000000"',
    ),
    "bound-unit": (
        "bound", 4, 23,
        "'Mib' is not a unit",
        "did you mean 'MiB'?",
        "100 Mib", "100 MiB",
    ),
    "unknown-variable-in-variant": (
        "unknown-name", 6, 42,
        "there is no variable 'widht' to override",
        "did you mean 'width'?",
        "widht", "width",
    ),
    "variant-name": (
        "variant-name", 6, 3,
        "the name of a variant starts with the file's, 'variant-name'",
        "call it 'variant-name_wide'",
        "wide", "variant-name_wide",
    ),
    "weight-without-parameter": (
        "bad-name", 4, 11,
        "'conv_1' names no parameter",
        "write the parameter too, as in `conv_1.weight`",
        "conv_1", "conv_1.weight",
    ),
    "ragged-array": (
        "ragged-array", 4, 26,
        "this is a row of 1, and the first entry beside it a row of 2",
        "make all rows equally long",
        "[3]", "[3, 4]",
    ),
    "not-a-number": (
        "not-a-number", 4, 37,
        "an array holds numbers, and this is the text 'two'",
        "write an integer, a decimal number or a fraction like -1/2",
        "two", "-1/2",
    ),
    "empty-array": (
        "empty-list", 4, 17,
        "an array without numbers",
        "give it at least one number",
        "[]", "[1]",
    ),
    "sample-without-input": (
        "missing-input", 4, 1,
        "this sample has no input",
        "add one, as in `input: [[1, 2]]`",
        "{output", "{input: [[1, 2]], output",
    ),
}  # fmt: skip

# Here the proposal shows the form; the words are the writer's own. Or it names what has to go.
BY_EXAMPLE = {
    "anchor",
    "tag",
    "several-documents",
    "not-a-map",
    "missing-input",
    "missing-layers",
    "float-variable",
    "bracket-not-opened",
    "not-a-layer",
    "bad-op",
    "missing-op",
    "number-as-arguments",
    "numbers-as-arguments",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_mistake_is_one_finding_at_its_place(mistake: str) -> None:
    code, line, column, message, fix, _, _ = MISTAKES[mistake]
    source = read(os.path.join(ERRORS, mistake + ".yaml"))
    with pytest.raises(SpecError) as caught:
        read_spec(source)
    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.span.line, finding.span.column) == (code, line, column)
    assert (finding.message, finding.fix) == (message, fix)
    assert finding.source == source


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_proposed_works(mistake: str) -> None:
    _, _, _, _, fix, wrong, right = MISTAKES[mistake]
    source = read(os.path.join(ERRORS, mistake + ".yaml"))
    assert wrong in source.text
    mended = source.text.replace(wrong, right, 1)
    assert mended != source.text
    read_spec(source._replace(text=mended))
    if mistake not in BY_EXAMPLE:
        for proposal in re.findall("`([^`]+)`", fix):
            assert proposal in mended


@pytest.mark.parametrize("mistake", MISTAKES)
def test_findings_are_short_sentences(mistake: str) -> None:
    _, line, column, message, fix, _, _ = MISTAKES[mistake]
    for sentence in (message, fix):
        assert sentence and sentence == sentence.strip() and len(sentence) < 120
        assert not sentence[0].isupper() and not sentence.endswith(".") and "\n" not in sentence
    text = read(os.path.join(ERRORS, mistake + ".yaml")).text.split("\n")
    assert 1 <= column <= len(text[line - 1]) + 1
