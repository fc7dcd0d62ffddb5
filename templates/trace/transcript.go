package trace

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// after returns h as text, which follows the text of last.
func (h hop) after(last hop) string {
	var b strings.Builder
	if h.Step != last.Step {
		words := wordsOf(strconv.Itoa(h.Step), h.oauth1)
		fmt.Fprintf(&b, "\n=== %d %s · %s\n", h.Step, words.Name, words.Spec)
	}
	if !h.goesOn(last) {
		where := "" // only if it differs from last
		if h.Step != last.Step || h.Function != last.Function {
			where = fmt.Sprintf("   [%s, oauth/%s]", h.Function, h.File)
		}
		fmt.Fprintf(&b, "\n%s: %s%s\n", strings.Join(h.Lanes, " → "), h.Message, where)
	}
	for _, p := range h.Parts {
		fmt.Fprintf(&b, "  %s\n%s", p.Title, p.text())
	}
	for _, r := range h.Checks.once() {
		line := fmt.Sprintf("  %s %s (%s) %s", r.Mark(), r.Check.Name, r.Check.Spec, r.Found())
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	if h.Note != "" {
		fmt.Fprintf(&b, "  %s.\n", h.Note)
	}
	return strings.Map(visible, b.String())
}

// text is the part with its values one a line, or as JSON.
func (p part) text() string {
	var lines []string
	for _, v := range p.Values {
		switch {
		case p.JSON:
			lines = append(lines, strconv.Quote(v.Name)+": "+v.Value)
		case v.Name == "":
			lines = append(lines, v.Value)
		default:
			lines = append(lines, strings.ReplaceAll(v.Name+" = "+v.Value, "\n", "↵"))
		}
	}
	text := strings.Join(lines, "\n")
	if p.JSON {
		text = "{\n" + strings.Join(lines, ",\n")
		text = strings.ReplaceAll(text, "\n", "\n  ") + "\n}"
	}
	return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}

// visible replaces the characters by which a stranger's value could control the terminal, or
// reverse the text on a line.
func visible(r rune) rune {
	if unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
		return unicode.ReplacementChar
	}
	return r
}
