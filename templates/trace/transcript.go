package trace

import (
	"fmt"
	"strings"
	"unicode"
)

// after is the hop as text, for those who have read last.
func (h hop) after(last hop) string {
	var b strings.Builder
	if h.Step != last.Step {
		chapter := chapterOf(h)
		fmt.Fprintf(&b, "\n=== %d %s · %s\n", h.Step, chapter.Name, chapter.Spec)
	}
	if !h.goesOn(last) {
		where := "" // stands only where it is another than above
		if h.Step != last.Step || h.Function != last.Function {
			where = fmt.Sprintf("   [%s, oauth/%s]", h.Function, h.File)
		}
		fmt.Fprintf(&b, "\n%s: %s%s\n", strings.Join(h.Lanes, " → "), h.Line, where)
	}
	for _, p := range h.Parts {
		fmt.Fprintf(&b, "  %s\n%s", p.Title, p.text())
	}
	for _, r := range h.Rows() {
		line := fmt.Sprintf("  %s %s (%s) %s", r.Mark(), r.Check.Name, r.Check.Spec, r.Found())
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	return strings.Map(visible, b.String())
}

// text is the part with names and values one a line.
func (p part) text() string {
	var b strings.Builder
	if p.JSON {
		b.WriteString("    {\n")
	}
	for i, v := range p.Values {
		if !p.JSON {
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(v.Name+" = "+v.Value, "\n", "↵"))
			continue
		}
		line := quote(v.Name) + ": " + v.Value
		if i < len(p.Values)-1 {
			line += ","
		}
		if v.Note != "" {
			line += "   " + v.Note
		}
		fmt.Fprintf(&b, "      %s\n", strings.ReplaceAll(line, "\n", "\n      "))
	}
	if p.JSON {
		b.WriteString("    }\n")
	}
	if p.Text != "" {
		fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(p.Text, "\n", "\n    "))
	}
	return b.String()
}

// visible keeps strangers' values from steering the terminal, and from turning round
// what stands on a line of it.
func visible(r rune) rune {
	steers := unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	if steers {
		return unicode.ReplacementChar
	}
	return r
}
