package trace

import (
	_ "embed"
	"strings"
)

// The places of names. The same name can mean another thing in another place.
const (
	inRequest  = "request"  // of the app, or of the browser that the app redirects
	inCallback = "callback" // brought back by the browser
	inTokens   = "tokens"   // the reply with the tokens
	inTemp     = "temp"     // the reply with the temporary credentials of OAuth 1.0a
	inMetadata = "metadata"
	inKeys     = "keys"
	inJOSE     = "JOSE" // of the ID token
	inClaims   = "claims"
	inAttempt  = "attempt"
	inProfile  = "profile"
	inStrange  = "strange" // in a list or object of a token reply that is not in shapes: all is taken for a secret
)

// shapes are the lists and objects that replies with tokens may have, by their names.
var shapes = []string{"{", "[", "data{", "data[", "error{", "errors{", "errors[", "scope[", "permissions["}

// open are the places whose names nobody can list beforehand. They hold what is public, and what
// the provider says about its own user. In any other place the value of a name that is not in
// words.txt is taken for a secret.
var open = map[string]bool{inMetadata: true, inKeys: true, inJOSE: true, inClaims: true, inProfile: true}

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

// stepWords are the words on a step; Spec is empty if the step does not happen.
type stepWords struct{ Name, Sentence, Spec string }

// atUser is between steps 1 and 2. It has no number, because the app does nothing.
const atUser = -1

// wordsOf returns the words on a step.
func wordsOf(step string, oauth1 bool) stepWords {
	place := ""
	if oauth1 {
		place = "OAuth1"
	}
	w, _ := lookUp(place, "step "+step)
	name, rest, _ := strings.Cut(w.About, " · ")
	spec, sentence, _ := strings.Cut(rest, " · ")
	return stepWords{name, sentence, spec}
}
