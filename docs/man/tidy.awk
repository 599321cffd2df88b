# scdoc writes paragraph macros where they mean nothing, which mandoc(1) warns of: beside headings
# (left out), before the end of an indented text (moved behind it), and before the start of one
# (where an empty line is meant).
$0 == ".P" || $0 == ".PP" { pending = !heading; next }
$0 == ".RE" { print; next }
{
    if (pending && $0 ~ /^\.RS/) print ".sp"
    else if (pending && $0 !~ /^\.S[HS]/) print ".P"
    pending = 0
    heading = $0 ~ /^\.(SH|SS|TH)/
    print
}
