package pages

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/templates"
)

// The page of a user of whom one more thing is known is another page: whatever a
// profile holds is on it.
func TestProfileShowsEachMember(t *testing.T) {
	render := func(profile oauth.Profile) string {
		w := httptest.NewRecorder()
		if err := templates.Render(w, 200, "profile", templates.Page{Data: profilePage{Grant: account.Grant{Profile: profile}}}); err != nil {
			t.Fatal(err)
		}
		return w.Body.String()
	}
	without := oauth.Profile{Email: "ada@example.com"} // which is verified or not
	for _, member := range reflect.VisibleFields(reflect.TypeFor[oauth.Profile]()) {
		with := without
		switch value := reflect.ValueOf(&with).Elem().FieldByIndex(member.Index); value.Kind() {
		case reflect.Bool:
			value.SetBool(true)
		default:
			value.SetString("https://op.example/" + member.Name)
		}
		if render(with) == render(without) {
			t.Errorf("profile.html shows nothing of %s", member.Name)
		}
	}
}
