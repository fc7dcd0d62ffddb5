package templates

import (
	_ "embed"
	"net/http"
	"slices"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// advice is for people: what happened, and what to do about it.
type advice struct{ Happened, Remedy string }

//go:embed advice.txt
var adviceText string

// byTopic has the advice of advice.txt, by topic.
var byTopic = parseAdvice(adviceText)

func parseAdvice(text string) map[string]advice {
	all := make(map[string]advice)
	remedy := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if after, ok := strings.CutPrefix(line, "-> "); ok {
			remedy = after
		} else if topic, happened, ok := strings.Cut(line, ": "); ok && line[0] != '#' {
			all[topic] = advice{happened, remedy}
		}
	}
	return all
}

// topicOfRefusal returns nothing if the provider's own words say enough.
func topicOfRefusal(r *oauth.Refusal) string {
	switch {
	case r.Step == 0 && (r.Status == http.StatusNotFound || r.Status == http.StatusBadRequest): // Keycloak, Microsoft
		return "(no metadata)"
	case slices.Contains([]string{"invalid_client", "unauthorized_client", "incorrect_client_credentials"}, r.Code): // Keycloak says the second, GitHub the third
		return "(client refused)"
	case r.Code == "invalid_scope":
		return "(scope refused)"
	}
	return ""
}

func topicOfCheck(c oauth.Check, got string) string {
	switch _, named := byTopic[c.Name]; {
	case c.Name == "callback-state" && strings.HasPrefix(got, "error="):
		return "(error without state)"
	case c.Step == 0 && c.Name == "reply-received":
		return "(no discovery)"
	case named:
		return c.Name
	case c.Step == 0 && (c.Name == "reply-status-200" && got == "404" || c.Name == "reply-media-type"):
		return "(no metadata)"
	case c.Step == 0 && c.Name == "reply-status-200" && strings.HasPrefix(got, "3"):
		return "(metadata moved)"
	case c.Step == 5 && c.Name == "reply-media-type" && got == "application/jwt":
		return "(signed profile)"
	case c.Status() == http.StatusBadRequest:
		return "(browser)"
	}
	return "(provider)"
}
