package trace

import (
	_ "embed"
	"strings"
)

// The places of names. The same name can mean another thing in another place.
const (
	inRequest  = "request"  // of the app, or of the browser sent by the app
	inCallback = "callback" // brought back by the browser
	inTokens   = "tokens"   // the reply with the tokens
	inTemp     = "temp"     // the reply with the temporary credentials of OAuth 1.0a
	inMetadata = "metadata"
	inKeys     = "keys"
	inJOSE     = "JOSE" // of the ID token
	inClaims   = "claims"
	inAttempt  = "attempt"
	inProfile  = "profile"
)

// open are the places whose names nobody can list beforehand. They hold what is public, and
// what the provider says about its own user. In any other place a name that is not in the
// table below is taken for a secret.
var open = map[string]bool{inMetadata: true, inKeys: true, inJOSE: true, inClaims: true, inProfile: true}

// shapes are the names in replies with tokens whose values may be lists or objects. What is
// inside any other list or object is taken for a secret, whatever its name.
var shapes = map[string]string{"": "[ {", "data": "[ {", "error": "{", "errors": "[ {", "scope": "[", "permissions": "["}

// unknown is the name of a value inside another list or object. It is no text, so no
// message has it.
const unknown = "\xff"

// word says what a name is for.
type word struct {
	About  string
	Secret string // the placeholder, if the value is secret or random, or made from such values
}

// lookUp finds the word for name in place.
func lookUp(place, name string) (word, bool) {
	w, ok := words[place+" "+name]
	if !ok {
		w, ok = words[name]
	}
	return w, ok
}

//go:embed words.txt
var wordsText string

// words are the lines of words.txt, by the place, if there is one, and the name.
var words = parse(wordsText)

func parse(text string) map[string]word {
	all := make(map[string]word)
	for line := range strings.Lines(text) {
		if key, about, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && key[0] != '#' {
			name, secret, _ := strings.Cut(key, " ‹")
			all[name] = word{about, strings.TrimSuffix(secret, "›")}
		}
	}
	return all
}

// stepWords are the words on a step.
type stepWords struct{ Name, Sentence, Spec string }

// atUser is between steps 1 and 2. It has no number, because the app does nothing.
const atUser = -1

// chapters are the steps of OAuth 2.0 and OpenID Connect, by the number that they have in the
// whole project.
var chapters = map[int]stepWords{
	0:      {"discovery", "The app asks the provider where its endpoints are. All that it knows beforehand is the issuer's address.", "OIDC Discovery §4"},
	1:      {"request", "You pressed the button. The app makes random values, keeps them in a sealed cookie in your browser (the attempt), and sends the browser to the provider with its question: who is this?", "RFC 6749 §4.1.1; RFC 7636 §4.3"},
	atUser: {"you, at the provider", "You sign in there, and allow or decline. The app takes no part: it never sees your password, nor what you do at the provider.", "RFC 6749 §4.1"},
	2:      {"callback", "The provider sends the browser back with a code. The app makes sure that this is the answer to its own question, asked through this browser.", "RFC 6749 §4.1.2; RFC 9700 §2.1"},
	3:      {"token", "The app redeems the code for tokens. It asks the provider directly, so the browser does not see the tokens. It proves that it is the app (client_secret) and, with PKCE, that it began this attempt (code_verifier).", "RFC 6749 §4.1.3; RFC 7636 §4.5"},
	4:      {"ID token", "The ID token says who signed in, and the provider has signed it. An app that accepts it unchecked lets everybody in. So this app checks the signature first, and then each claim.", "OIDC Core §3.1.3.7"},
	5:      {"profile", "The app uses the access token to ask the provider's API about the user.", "OIDC Core §5.3; RFC 6750 §2.1"},
	6:      {"refresh", "The app gets a new access token with the refresh token, without the user: the old one is about to expire, or you asked for it.", "RFC 6749 §6"},
	7:      {"revoke", "The app revokes the tokens: from now on they open nothing.", "RFC 7009 §2"},
}

// chapters1 are the steps that differ in OAuth 1.0a.
var chapters1 = map[int]stepWords{
	atUser: {chapters[atUser].Name, chapters[atUser].Sentence, "RFC 5849 §2.2"},
	1:      {"request", "You pressed the button. The app asks the provider for temporary credentials, in a signed request that names the callback URL. Then it sends the browser to the provider. The URL has only the name of these credentials.", "RFC 5849 §2.1, §2.2"},
	2:      {"callback", "The provider sends the browser back with a verifier. The app makes sure that this is the answer to its own question, asked through this browser.", "RFC 5849 §2.2; RFC 9700 §2.1"},
	3:      {"token", "The app exchanges the temporary credentials and the verifier for a token and its secret. The temporary secret signs the request. Only the provider and this attempt have it.", "RFC 5849 §2.3"},
	5:      {"profile", "The app reads who signed in from the provider's API, in a request signed with the token's secret.", "RFC 5849 §3.1, §3.4"},
}

// wordsOf returns the words on a step.
func wordsOf(step int, oauth1 bool) stepWords {
	if c, ok := chapters1[step]; ok && oauth1 {
		return c
	}
	return chapters[step]
}

// Steps that do not happen at every provider.
var (
	nothingToAsk = step{Number: 0, Note: "nothing to ask", stepWords: stepWords{"discovery", "The app knows where the endpoints are: from this provider's file in providers/, or from metadata that it read less than an hour ago.", ""}}
	noIDToken    = step{Number: 4, Note: "nothing to verify", stepWords: stepWords{"ID token", "This provider does not speak OpenID Connect and gives no ID token. Step 5 says who signed in.", ""}}
)

// noPKCE is the note on a request without a code_challenge.
const noPKCE = "no PKCE here: state ties the callback to this browser, the client secret ties the code to this app, and nothing ties the code to this sign-in"
