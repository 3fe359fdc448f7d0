# Describes commands in mdoc(7), from the JSON of `nightjar --experimental-dump-help`.
# $names: the commands to describe, in this order; all of them when it is empty. $brief: without what only nightjar has,
# options and discussions.

# A text line: no escape of its own, and no macro at its beginning.
def text: gsub("\\\\"; "\\e") | gsub("^(?<control>[.'])"; "\\&\(.control)");

# Lines of at most 79 bytes where words allow it.
def wrapped:
    reduce splits(" +") as $word ([];
        if length > 0 and (last + " " + $word | utf8bytelength) < 80 then .[-1] += " " + $word else . + [$word] end)
    | map(text);

# Prose: paragraphs, and each sentence on a line of its own, as mdoc wants it. Indented lines stay as they are.
def prose:
    split("\n\n")
    | map(
        if test("^ "; "s") or test("\n ") then
            ".Bd -literal -offset indent\n" + (split("\n") | map(text) | join("\n")) + "\n.Ed"
        else
            gsub("\n"; " ") | [splits("(?<=[.:!?]) +(?=[A-Z'\"])") | wrapped[]] | join("\n")
        end)
    | join("\n.Pp\n");

def sentence: if test("[.!?)]$") then . else . + "." end;

def flag: if .kind == "long" then "Fl -" + .name else "Fl " + .name end;
def value: "Ar " + (.valueName | gsub("\\s"; "-"));

# Of an option, as in "Fl f , Fl -foreground".
def title:
    if .kind == "positional" then value
    else
        (.names | sort_by(.name | length) | map(flag) | join(" , "))
        + if .kind == "option" then " " + value else "" end
    end;

def synopsis:
    (if .kind == "positional" then value
     else (.preferredName | flag) + if .kind == "option" then " " + value else "" end
     end)
    + if .isRepeating then " ..." else "" end;

def shown: map(select(.shouldDisplay and (.valueName | IN("help", "version") | not)));

def values: .allValues // .allValueStrings // [];

def explanation:
    [.abstract, .discussion, (if (values | length) > 0 then "One of \(values | join(", "))" else null end),
     (if .defaultValue then "Without it: \(.defaultValue)" else null end)]
    | map(select(. and . != "") | sentence | prose)
    | join("\n");

# Commands that read their arguments themselves describe them in the first paragraph of their discussion.
def with_own_grammar:
    if any(.arguments[]?; .parsingStrategy == "allRemainingInput") then
        ((.discussion // "") | split("\n\n")) as $paragraphs
        | .arguments = []
        | if $paragraphs[0] // "" | startswith("Arguments: ") then
            .grammar = ($paragraphs[0] | ltrimstr("Arguments: "))
            | .discussion = ($paragraphs[1:] | join("\n\n"))
        else . end
    else . end;

def described:
    if $brief then .discussion = null | .arguments |= map(select(.kind == "positional")) else with_own_grammar end
    | (.arguments // [] | shown) as $arguments
    | ".Ss \(.commandName)\n.Nm\n.Cm \(.commandName)",
    ($arguments[] | if .isOptional then ".Op " + synopsis else "." + synopsis end),
    (.grammar // empty | select(. != "") | [wrapped[]] | join("\n")),
    ".Pp",
    (.abstract // "" | sentence | prose),
    (if .discussion then ".Pp\n" + (.discussion | prose) else empty end),
    ($arguments | map(select(explanation != "")) | if length > 0 then
        ".Bl -tag -width Ds", (.[] | ".It \(title)\n\(explanation)"), ".El"
     else empty end);

# A command of commands is described by these, under both words.
def flattened:
    [.subcommands[]? | select(.shouldDisplay and .commandName != "help")] as $inner
    | .commandName as $outer
    | if ($inner | length) > 0 then $inner[] | .commandName = "\($outer) \(.commandName)" else . end;

.command.subcommands | map(select(.shouldDisplay and .commandName != "help") | flattened) as $all
| if ($names | length) == 0 then $all[]
  else $names[] as $name | ($all[] | select(.commandName == $name)) // error("There is no command \($name).")
  end
| described
