package providers

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
	"github.com/google/go-cmp/cmp"
)

// recorded returns a reply from testdata/profiles, by its file name (SOURCES.md there names its source). If name
// is JSON, that is the reply.
func recorded(t *testing.T, name string) json.RawMessage {
	t.Helper()
	if name == "" {
		return nil
	}
	if strings.ContainsAny(name, "{[") {
		return json.RawMessage(name)
	}
	data, err := os.ReadFile("../testdata/profiles/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantEqual asserts a whole value.
func wantEqual[T any](t *testing.T, want, got T, reason string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%swhy: %s", diff, reason)
	}
}

func readObject(t *testing.T, name string) (o oauth.Object) {
	t.Helper()
	if name == "" {
		return nil
	}
	if err := json.Unmarshal(recorded(t, name), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestProfiles(t *testing.T) {
	tested := make(map[string]bool)           // providers with a reply here
	filled := make(map[string]bool)           // members that some provider fills
	x := oauth.Provider{Profile: X().Profile} // of OAuth 1.0a
	for name, row := range map[string]struct {
		provider oauth.Provider
		idToken  string   // a name in testdata/profiles, or the claims
		api      []string // the replies, by name or as JSON; "" for a request that was not made
		want     oauth.Profile
		reason   string
	}{
		"google": {
			Google(), "google-idtoken-claims", []string{"google-userinfo"},
			oauth.Profile{Subject: "110248495921238986420", Name: "Ada L", Email: "ada@example.com", EmailVerified: true, Picture: "https://lh3.googleusercontent.com/a/x=s96-c"},
			"a subject of more digits than an int64 holds",
		},
		"google, another address in userinfo": {
			Google(), "google-idtoken-claims", []string{`{"sub":"1","email":"mallory@example.com"}`},
			oauth.Profile{Subject: "110248495921238986420", Name: "Ada L", Email: "ada@example.com", EmailVerified: true, Picture: "https://lh3.googleusercontent.com/a/x=s96-c"},
			"what is signed wins over what is not",
		},
		"oidc": {
			OpenID("https://op.example"), "", []string{"oidc"},
			oauth.Profile{Subject: "248289761001", Name: "Jane Doe", Email: "janedoe@example.com", Picture: "http://example.com/janedoe/me.jpg"},
			"without email_verified nobody has verified it",
		},
		"oidc, the address in the ID token, verified in userinfo only": {
			OpenID("https://op.example"), `{"sub":"1","email":"a@b.example"}`, []string{`{"sub":"1","email":"a@b.example","email_verified":true}`},
			oauth.Profile{Subject: "1", Email: "a@b.example"},
			"email_verified belongs to the address next to it (OIDC Core §5.1)",
		},
		"oidc, the address in userinfo, verified in the ID token only": {
			OpenID("https://op.example"), `{"sub":"1","email_verified":true}`, []string{`{"sub":"1","email":"a@b.example"}`},
			oauth.Profile{Subject: "1", Email: "a@b.example"},
			"likewise",
		},
		"oidc, both in userinfo": {
			OpenID("https://op.example"), `{"sub":"1","email_verified":false}`, []string{`{"sub":"1","email":"a@b.example","email_verified":true}`},
			oauth.Profile{Subject: "1", Email: "a@b.example", EmailVerified: true},
			"likewise",
		},
		"oidc, verified, and no address": {
			OpenID("https://op.example"), "", []string{`{"sub":"1","email_verified":true}`},
			oauth.Profile{Subject: "1"},
			"the word is about nothing",
		},
		"oidc, email_verified as text": {
			OpenID("https://op.example"), "", []string{`{"sub":"1","email":"a@b.example","email_verified":"true"}`},
			oauth.Profile{Subject: "1", Email: "a@b.example"},
			"only a boolean is a promise (OIDC Core §5.1)",
		},
		"github": {
			GitHub(), "", []string{"github", "github-emails"},
			oauth.Profile{Subject: "583231", Name: "The Octocat", Email: "octo@example.com", EmailVerified: true, Picture: "https://avatars.githubusercontent.com/u/583231?v=4"},
			"the address is in a reply of its own",
		},
		"github, primary address unverified": {
			GitHub(), "", []string{`{"id":583231,"login":"octocat","name":null}`, `[{"email":"victim@example.com","primary":true,"verified":false},{"email":"mine@example.com","primary":false,"verified":true}]`},
			oauth.Profile{Subject: "583231", Name: "octocat"},
			"anybody can enter the victim's address and make it the primary one",
		},
		"github, without the scope": {
			GitHub(), "", []string{"github-no-name", ""},
			oauth.Profile{Subject: "583231", Name: "octocat", Picture: "https://avatars.githubusercontent.com/u/583231?v=4"},
			"the second request was not made; the login stands in for a missing name",
		},
		"github, id above 2^53": {
			GitHub(), "", []string{`{"id":9007199254740993,"login":"x"}`, `[]`},
			oauth.Profile{Subject: "9007199254740993", Name: "x"},
			"a float64 would make it ...992, another user",
		},
		"facebook": {
			Facebook(), "", []string{"facebook"},
			oauth.Profile{Subject: "10223334445556667", Name: "Ada L", Email: "ada@example.com", Picture: "https://platform-lookaside.fbsbx.com/platform/profilepic/?asid=10223334445556667&height=50&width=50"},
			"the picture is two objects deep, and no address counts as verified",
		},
		"facebook, no e-mail": {
			Facebook(), "", []string{`{"id":"1","name":"Ada L"}`},
			oauth.Profile{Subject: "1", Name: "Ada L"},
			"the member is missing if the user unticked it",
		},
		"instagram, without a name": {
			Instagram(), "", []string{`{"user_id":"1","username":"ada"}`},
			oauth.Profile{Subject: "1", Name: "ada"},
			"the name is optional there",
		},
		"instagram": {
			Instagram(), "", []string{"instagram"},
			oauth.Profile{Subject: "17841405793187218", Name: "Ada", Picture: "https://scontent.cdninstagram.com/v/picture.jpg"},
			"the professional account's id, as text",
		},
		"spotify": {
			Spotify(), "", []string{"spotify"},
			oauth.Profile{Subject: "exampleaccountid", Name: "JM Wizzler", Email: "wizzler@example.com", Picture: "https://i.scdn.co/image/ab67example"},
			"account_id, not id",
		},
		"x2": {
			X2(), "", []string{"x-v2"},
			oauth.Profile{Subject: "2244994945", Name: "X Dev", Email: "dev@example.com", EmailVerified: true, Picture: "https://pbs.twimg.com/profile_images/1/a.jpg"},
			"inside data; the id is that of OAuth 1.0a; an address is there only if it is confirmed",
		},
		"x2, no e-mail": {
			X2(), "", []string{`{"data":{"id":"1","name":"X Dev","username":"XDevelopers"}}`},
			oauth.Profile{Subject: "1", Name: "X Dev"},
			"without the scope, or without a confirmed address",
		},
		"x": {
			x, "", []string{"x"},
			oauth.Profile{Subject: "2244994945", Name: "X Dev", Email: "dev@example.com", EmailVerified: true, Picture: "https://pbs.twimg.com/profile_images/1/a.jpg"},
			"an address is there only if it is verified; the picture in its full size",
		},
		"x, id above 2^53": {
			x, "", []string{"x-large-id"},
			oauth.Profile{Subject: "1795176000000000001", Name: "X Dev", Email: "dev@example.com", EmailVerified: true, Picture: "https://pbs.twimg.com/profile_images/1/a.jpg"},
			"as a float64 it would be another user's",
		},
		"x, no e-mail": {
			x, "", []string{"x-no-email"},
			oauth.Profile{Subject: "2244994945", Name: "X Dev", Picture: "https://pbs.twimg.com/profile_images/1/a.jpg"},
			"null is no address",
		},
		"x, closed": {
			oauth.Provider{Profile: xTokenProfile}, "", []string{`{"user_id":"2244994945","screen_name":"XDevelopers"}`},
			oauth.Profile{Subject: "2244994945", Name: "XDevelopers"},
			"the token reply names the user too",
		},
		"spotify, new app": {
			Spotify(), "", []string{`{"account_id":"a1","id":"wizzler","display_name":null,"images":[]}`},
			oauth.Profile{Subject: "a1"},
			"no address, no name, no picture: still somebody",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tested[row.provider.Name] = true
			replies := oauth.ProfileInput{IDToken: readObject(t, row.idToken)}
			for _, reply := range row.api {
				replies.API = append(replies.API, recorded(t, reply))
			}
			got, err := row.provider.Profile(replies)
			if err != nil {
				t.Fatalf("%s: %v", row.reason, err)
			}
			wantEqual(t, row.want, got, row.reason)
			for _, member := range reflect.VisibleFields(reflect.TypeFor[oauth.Profile]()) {
				if !reflect.ValueOf(got).FieldByIndex(member.Index).IsZero() {
					filled[member.Name] = true
				}
			}
		})
	}
	for _, member := range reflect.VisibleFields(reflect.TypeFor[oauth.Profile]()) {
		if !filled[member.Name] {
			t.Errorf("no provider's reply fills Profile.%s", member.Name)
		}
	}
	for _, row := range All() {
		if !tested[row.Name] {
			t.Errorf("no reply of %s is read here", row.Name)
		}
	}
}

// If a member has another type than in the provider's documents, the profile is refused, and not
// read as empty. This tries each member and each reply in turn.
func TestProfilesRefuseOtherTypes(t *testing.T) {
	google := `{"sub":"1","name":"n","email":"e","picture":"p"}`
	for name, row := range map[string]struct {
		profile func(oauth.ProfileInput) (oauth.Profile, error)
		replies []string
	}{
		"google":    {Google().Profile, []string{google}},
		"oidc":      {OpenID("https://op.example").Profile, []string{google}},
		"github":    {GitHub().Profile, []string{`{"id":1,"login":"l","name":"n","avatar_url":"a"}`, `[{"email":"e","primary":true,"verified":true}]`}},
		"facebook":  {Facebook().Profile, []string{`{"id":"1","name":"n","email":"e","picture":{"data":{"url":"u"}}}`}},
		"instagram": {Instagram().Profile, []string{`{"user_id":"1","name":"n","username":"u","profile_picture_url":"p"}`}},
		"spotify":   {Spotify().Profile, []string{`{"account_id":"1","display_name":"n","email":"e","images":[{"url":"u"}]}`}},
		"x2":        {X2().Profile, []string{`{"data":{"id":"1","name":"n","confirmed_email":"e","profile_image_url":"u"}}`}},
		"x":         {X().Profile, []string{`{"id_str":"1","name":"n","email":"e","profile_image_url_https":"u"}`}},
		"x's token": {xTokenProfile, []string{`{"user_id":"1","screen_name":"n"}`}},
	} {
		read := func(replies []string) error {
			var r oauth.ProfileInput
			for _, reply := range replies {
				r.API = append(r.API, json.RawMessage(reply))
			}
			_, err := row.profile(r)
			return err
		}
		if err := read(row.replies); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, reply := range row.replies {
			bad := []string{`7`}
			for _, at := range regexp.MustCompile(`"\w+":`).FindAllStringIndex(reply, -1) {
				bad = append(bad, reply[:at[1]]+`[[]],"_":`+reply[at[1]:])
			}
			for _, other := range bad {
				replies := slices.Clone(row.replies)
				replies[i] = other
				if read(replies) == nil {
					t.Errorf("%s: %s was taken", name, other)
				}
			}
		}
	}
}

// If several members have another type, the error always names the same one.
func TestSameErrorEachTime(t *testing.T) {
	reply := oauth.ProfileInput{API: []json.RawMessage{json.RawMessage(`{"images":1,"email":2,"account_id":3,"display_name":4}`)}}
	for range 50 {
		if _, err := Spotify().Profile(reply); err == nil || !strings.Contains(err.Error(), "account_id") {
			t.Fatalf("%v, want account_id, the first in the alphabet", err)
		}
	}
}

// xTokenProfile reads the profile from a token reply of X, as if X's API were closed to the app.
func xTokenProfile(r oauth.ProfileInput) (oauth.Profile, error) {
	var token oauth.Object
	if err := json.Unmarshal(r.API[0], &token); err != nil {
		return oauth.Profile{}, err
	}
	return X().Profile(oauth.ProfileInput{Token: token, API: []json.RawMessage{nil}})
}

func TestInstagramTokens(t *testing.T) {
	for file, want := range map[string]map[string]string{
		"instagram-flat-token":    {"access_token": `"IGAA-example-access-token"`, "scope": `"instagram_business_basic"`},
		"instagram-wrapped-token": {"access_token": `"IGAA-example-access-token"`, "scope": `"instagram_business_basic,instagram_business_manage_messages"`},
	} {
		o, err := instagramTokens(readObject(t, file))
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, want, map[string]string{"access_token": string(o["access_token"]), "scope": string(o["scope"])}, file)
	}
	full := oauth.Object{"access_token": json.RawMessage(`"x"`), "token_type": json.RawMessage(`"t"`), "expires_in": json.RawMessage(`60`)}
	if got, err := instagramTokens(maps.Clone(full)); err != nil || !cmp.Equal(full, got) {
		t.Errorf("what the reply says was changed: %v, %v", got, err)
	}
	bare, err := instagramTokens(oauth.Object{"access_token": json.RawMessage(`"x"`)})
	want := oauth.Object{"access_token": json.RawMessage(`"x"`), "token_type": json.RawMessage(`"bearer"`), "expires_in": json.RawMessage(`3600`)}
	if diff := cmp.Diff(want, bare); err != nil || diff != "" { // without a scope, what was asked for is granted
		t.Errorf("without permissions: %v (-want +got):\n%s", err, diff)
	}
	for _, reply := range []string{`{"data":{}}`, `{"data":[1]}`} {
		var o oauth.Object
		if err := json.Unmarshal([]byte(reply), &o); err != nil {
			t.Fatal(err)
		}
		if _, err := instagramTokens(o); err == nil {
			t.Errorf("%s was taken", reply)
		}
	}
}

// No reply of a provider makes its entry panic, or signs anybody in.
func TestEntriesOfStrangeReplies(t *testing.T) {
	for _, row := range append(All(), OpenID("https://op.example")) {
		for _, reply := range []string{
			`null`, `{}`, `[]`, `[null]`, `""`, `0`, `{"data":null}`, `{"data":[]}`, `{"data":[null]}`, `{"data":[null,null]}`, `{"data":{}}`,
			`{"email":null,"images":[null],"picture":null}`, `{"images":{},"picture":[],"permissions":[null]}`, `{"picture":{"data":null}}`, `{"permissions":null}`,
		} {
			var o oauth.Object
			if json.Unmarshal([]byte(reply), &o); row.TokenReply != nil && o != nil { // package oauth refuses a reply that is no object
				if tokens, err := row.TokenReply(o); err == nil && tokens["access_token"] != nil {
					t.Errorf("%s: tokens from %s: %v", row.Name, reply, tokens)
				}
			}
			replies := oauth.ProfileInput{API: make([]json.RawMessage, max(1, len(row.ProfileURLs)))}
			for i := range replies.API {
				replies.API[i] = json.RawMessage(reply)
			}
			if profile, err := row.Profile(replies); err == nil && profile.Subject != "" {
				t.Errorf("%s: a profile from %s: %v", row.Name, reply, profile)
			}
		}
	}
}

// The example of RFC 4231 §4.3 (test case 2): its key is the secret, its data are the token.
func TestAppSecretProof(t *testing.T) {
	const want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	wantEqual(t, want, appSecretProof("Jefe", "what do ya want for nothing?"), "test case 2")
}

// The requests that revoke a grant, to the letter.
func TestRevokeRequests(t *testing.T) {
	tokens := oauth.Tokens{AccessToken: "t0ken"}
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth("a/b", "s3cret")
	for name, row := range map[string]struct{ got, want oauth.Request }{
		"facebook": {facebookRevoke("a/b", "s3cret", tokens), oauth.Request{
			Method: "DELETE", URL: "https://graph.facebook.com/v26.0/me/permissions?appsecret_proof=" + appSecretProof("s3cret", "t0ken"),
			Header: http.Header{"Authorization": {"Bearer t0ken"}}}},
		"github": {githubRevoke("a/b", "s3cret", tokens), oauth.Request{
			Method: "DELETE", URL: "https://api.github.com/applications/a%2Fb/grant", Body: `{"access_token":"t0ken"}`,
			Header: http.Header{"Authorization": basic.Header["Authorization"], "Content-Type": {"application/json"}}}},
	} {
		wantEqual(t, row.want, row.got, name)
	}
}

// Each entry has all texts, and names the sources of its facts.
func TestRowsAreComplete(t *testing.T) {
	rows := []oauth.About{X().About, OpenID("https://op.example").About}
	for _, row := range All() {
		rows = append(rows, row.About)
	}
	for _, row := range rows {
		if row.Name == "" || row.Title == "" || row.Console == "" || row.Notes == "" || row.Checked == "" || len(row.Sources) == 0 {
			t.Errorf("%s: a field is empty", row.Name)
		}
		for _, source := range row.Sources {
			if !strings.HasPrefix(source, "https://") {
				t.Errorf("%s: source %q", row.Name, source)
			}
		}
	}
}

// Each scope is asked for once. offline_access counts only with prompt=consent.
func TestOpenIDScopes(t *testing.T) {
	for _, tt := range []struct {
		more, want []string
		params     map[string]string
	}{
		{nil, []string{"openid", "email", "profile"}, nil},
		{[]string{"groups", "email", "groups"}, []string{"openid", "email", "profile", "groups"}, nil},
		{[]string{"offline_access"}, []string{"openid", "email", "profile", "offline_access"}, map[string]string{"prompt": "consent"}},
	} {
		entry := OpenID("https://op.example", tt.more...)
		wantEqual(t, tt.want, entry.Scopes, strings.Join(tt.more, " ")+": scopes")
		wantEqual(t, tt.params, entry.AuthorizationParams, strings.Join(tt.more, " ")+": parameters")
	}
}

// The button names the provider, not the protocol.
func TestOpenIDTitle(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://openid.example":         "OpenID Example",
		"https://id.example.com/realm/a": "id.example.com",
		"http://localhost:8180":          "localhost:8180",
		"":                               "OpenID provider",
		"%":                              "OpenID provider",
	} {
		wantEqual(t, want, OpenID(issuer).Title, issuer)
	}
}

// If an entry sends no PKCE, it says why, with a source and a date, and what protects the code instead.
func TestWithoutPKCE(t *testing.T) {
	for _, row := range All() {
		meta := row.Name == "facebook" || row.Name == "instagram"
		wantEqual(t, meta, row.WithoutPKCE != "", row.Name)
		if meta && !(strings.Contains(row.WithoutPKCE, "2026-") && strings.Contains(row.WithoutPKCE, "State ties") && strings.Contains(row.WithoutPKCE, "client secret")) {
			t.Errorf("%s: no date, or nothing of what protects the code: %s", row.Name, row.WithoutPKCE)
		}
	}
}
