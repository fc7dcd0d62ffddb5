package fake

// User is a person with an account at each provider.
type User struct {
	ID                          string // the value of the radio button on the consent page
	Name, GivenName, FamilyName string
	Login                       string // the name at providers that let people choose one
	Email                       string // "" is none
	EmailVerified               bool
	// Subjects has for each provider the value by which a client must know this user: sub at google
	// and oidc, id at github and facebook, user_id of /me at instagram, account_id at spotify, id_str at
	// x (which is data.id at x2).
	Subjects         map[string]string
	InstagramID      string // id of /me, which differs for each app
	InstagramTokenID string // user_id of the token reply: a JSON number
	SpotifyID        string // the old id, which Spotify no longer promises to keep
}

// Users are the three people of every provider. Ada is the ordinary user. Mallory claims Ada's e-mail address and
// has not verified it: an app that joins accounts by address lets him in. Ünal has no e-mail address, and a name
// that is not ASCII.
//
// Google's subjects do not fit an int64. Instagram's and X's numbers are above 2^53: an app that reads them as float64
// takes Ada and Mallory for one person.
func Users() []User {
	return []User{
		{
			ID: "ada", Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", Login: "ada.lovelace",
			Email: "ada@example.com", EmailVerified: true,
			Subjects: map[string]string{"google": "110248495921238986420", "github": "990000001", "facebook": "10223334445556667",
				"instagram": "17841405793187218", "spotify": "acct5PpXlSRuTdGnqY0b1Ada", "x": "1795176000000000001", "oidc": "ada-1815"},
			InstagramID: "26012345678901234", InstagramTokenID: "39250387624560410", SpotifyID: "adalovelace",
		},
		{
			ID: "mallory", Name: "Mallory", GivenName: "Mallory", Login: "mallory",
			Email: "ada@example.com",
			Subjects: map[string]string{"google": "110248495921238986421", "github": "990000002", "facebook": "10223334445556668",
				"instagram": "17841405793187219", "spotify": "acct5PpXlSRuTdGnqY0bMall", "x": "1795176000000000002", "oidc": "mallory-1988"},
			InstagramID: "26012345678901235", InstagramTokenID: "39250387624560411", SpotifyID: "mallory",
		},
		{
			ID: "unal", Name: "Ünal Öz", GivenName: "Ünal", FamilyName: "Öz", Login: "unal",
			Subjects: map[string]string{"google": "110248495921238986422", "github": "990000003", "facebook": "10223334445556669",
				"instagram": "17841405793187220", "spotify": "acct5PpXlSRuTdGnqY0bUnal", "x": "1795176000000000003", "oidc": "unal-2003"},
			InstagramID: "26012345678901236", InstagramTokenID: "39250387624560413", SpotifyID: "unal",
		},
	}
}

// user finds one of the three. If there is no such user, the ID is "".
func user(id string) User {
	for _, u := range Users() {
		if u.ID == id {
			return u
		}
	}
	return User{}
}
