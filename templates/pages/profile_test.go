package pages

import (
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates"
	"github.com/google/go-cmp/cmp"
)

// render returns the profile page of a user with one account.
func render(t *testing.T, simulated string, o opened) string {
	t.Helper()
	w := httptest.NewRecorder()
	if err := templates.Render(w, 200, "profile", templates.Page{Simulated: simulated, User: new(templates.User), Data: profilePage{Shown: o, Accounts: []opened{o}}}); err != nil {
		t.Fatal(err)
	}
	return w.Body.String()
}

func withProfile(p oauth.Profile) opened { return opened{Grant: account.Grant{Profile: p}} }

// If a profile has one more member, its page differs: the page shows every member.
func TestProfileShowsEachMember(t *testing.T) {
	without := oauth.Profile{Email: "ada@example.com"} // which is verified or not
	for _, member := range reflect.VisibleFields(reflect.TypeFor[oauth.Profile]()) {
		with := without
		switch value := reflect.ValueOf(&with).Elem().FieldByIndex(member.Index); value.Kind() {
		case reflect.Bool:
			value.SetBool(true)
		default:
			value.SetString("https://op.example/" + member.Name)
		}
		if render(t, "", withProfile(with)) == render(t, "", withProfile(without)) {
			t.Errorf("profile.html shows nothing of %s", member.Name)
		}
	}
}

// If the session ends while the page is made, the page comes without what needs it.
func TestProfileOfNobody(t *testing.T) {
	data := profilePage{Shown: opened{}, Accounts: []opened{{}}}
	if err := templates.Render(httptest.NewRecorder(), 502, "profile", templates.Page{Data: data}); err != nil {
		t.Error(err)
	}
}

// A picture that the page's policy blocks is not on the page, and neither is an address of
// this app.
func TestPicture(t *testing.T) {
	for _, row := range []struct {
		simulated, picture string
		shown              bool
	}{
		{"", "https://op.example/ada.png", true},
		{"", "http://op.example/ada.png", false},
		{"", "/logout", false},
		{"", "//op.example/ada.png", false},
		{"http://127.0.0.1:9000", "http://127.0.0.1:9000/picture/ada.svg", true},
		{"http://127.0.0.1:9000", "http://127.0.0.1:9000.evil.example/ada.svg", false},
		{"http://127.0.0.1:9000", "http://op.example/ada.png", false},
	} {
		page := render(t, row.simulated, withProfile(oauth.Profile{Picture: row.picture}))
		if got := strings.Contains(page, `<img src="`+row.picture); got != row.shown {
			t.Errorf("simulated at %q, %s: shown %t, want %t", row.simulated, row.picture, got, row.shown)
		}
	}
}

var action = regexp.MustCompile(`action="/([a-z/0-9]+)`)

// A button that cannot work is not there, and the page says why.
func TestButtons(t *testing.T) {
	tokens := func(access, refresh string) account.Grant {
		return account.Grant{Tokens: oauth.Tokens{AccessToken: access, RefreshToken: refresh}}
	}
	ready := registered.Provider{About: oauth.About{Name: "op", Title: "OP"}, Client: new(oauth.Client)}
	ready1 := registered.Provider{About: ready.About, Client1: new(oauth.Client1)}
	off := registered.Provider{About: ready.About}
	const fake = "http://127.0.0.1:9000"
	for name, row := range map[string]struct {
		simulated string
		provider  registered.Provider
		grant     account.Grant
		buttons   []string
		says      string
	}{
		"all":              {fake, ready, tokens("a", "r"), []string{"read", "refresh", "expire", "disconnect"}, "There is a refresh token."},
		"a real provider":  {"", ready, tokens("a", "r"), []string{"read", "refresh", "disconnect"}, "There is a refresh token."},
		"no refresh token": {fake, ready, tokens("a", ""), []string{"read", "expire", "disconnect"}, "There is no refresh token: when the access token has expired, you have to sign in again."},
		"OAuth 1.0a":       {fake, ready1, account.Grant{Credentials: oauth.TokenCredentials{Token: "t"}}, []string{"read", "disconnect"}, "Its token does not expire, so there is nothing to refresh"},
		"no token":         {fake, ready, account.Grant{}, []string{"connect/op", "disconnect"}, "There is no token any more."},
		"switched off":     {fake, off, tokens("a", "r"), []string{"disconnect"}, "not set up for OP any more, so you can only disconnect it"},
		"off, no token":    {fake, off, account.Grant{}, []string{"disconnect"}, "There is no token any more."},
	} {
		page := render(t, row.simulated, opened{Grant: row.grant, Provider: row.provider})
		_, card, _ := strings.Cut(page, `<ul class="accounts">`)
		card, _, _ = strings.Cut(card, "</ul>")
		var got []string
		for _, m := range action.FindAllStringSubmatch(card, -1) {
			got = append(got, m[1])
		}
		if diff := cmp.Diff(row.buttons, got); diff != "" {
			t.Errorf("%s: buttons (-want +got):\n%s", name, diff)
		}
		if !strings.Contains(card, row.says) {
			t.Errorf("%s: the page does not say %q:\n%s", name, row.says, card)
		}
	}
}

// If an app cannot revoke access, the page says why, and names the page on which the user can.
func TestNoWayBack(t *testing.T) {
	for revokePage, says := range map[string]string{
		"":                     "The provider's metadata names no revocation endpoint, so the app cannot revoke it.",
		"https://op.example/a": `OP documents no way for an app to revoke it, so only you can, at <a href="https://op.example/a">`,
	} {
		w := httptest.NewRecorder()
		data := struct {
			templates.Failure
			Text, RevokePage, Next string
		}{templates.Failure{Provider: "OP", NoWay: true}, "Disconnected.", revokePage, "/"}
		if err := templates.Render(w, 200, "disconnected", templates.Page{Data: data}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(w.Body.String(), says) {
			t.Errorf("%q: the page does not say %q:\n%s", revokePage, says, w.Body)
		}
	}
}
