package trace

// Where a name and its value stand. The same name can mean another thing elsewhere.
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

// open are the places whose names nobody can list beforehand, and which hold what
// the visitor's own provider says about the visitor, or tells everybody. Anywhere
// else a name without a word in the table below is taken for a secret.
var open = map[string]bool{inMetadata: true, inKeys: true, inJOSE: true, inClaims: true, inProfile: true}

// shapes are the names in replies with tokens under which lists or objects are looked
// for. What stands in others is taken for a secret, whatever its name is there.
var shapes = map[string]string{"": "[ {", "data": "[ {", "error": "{", "errors": "[ {", "scope": "[", "permissions": "["}

// unknown is the name of a value that stands where nobody looks for one. No message
// has it, for it is no text.
const unknown = "\xff"

// word says of a name what it is for.
type word struct {
	about  string
	secret string // its name as a placeholder, where the value is secret, random or made from such
}

// lookUp finds the word for name in place.
func lookUp(place, name string) (word, bool) {
	if w, ok := words[place+" "+name]; ok {
		return w, true
	}
	w, ok := words[name]
	return w, ok
}

// words are the names that go over the wire, with a place before those that mean
// something only, or something else, there.
var words = map[string]word{
	// The authorization request, the callback, the token request.
	"response_type":         {"what is to come back: a code, which this app exchanges for tokens", ""},
	"client_id":             {"this app's name at the provider", ""},
	"redirect_uri":          {"where the provider sends the browser back to; registered there, to the letter", ""},
	"scope":                 {"what the app asks to be allowed, and no more than it needs", ""},
	"state":                 {"random: who brings it back is the browser that began this attempt", "state"},
	"nonce":                 {"random: the ID token must hold it, and so be the answer to this attempt", "nonce"},
	"code_challenge":        {"the hash of code_verifier, which stays with the app for now (PKCE)", "code_challenge"},
	"code_challenge_method": {"that hash is SHA-256", ""},
	"access_type":           {"Google: offline asks for a refresh token, too", ""},
	"prompt":                {"Google: ask the user again, for only then a refresh token comes", ""},
	"return_scopes":         {"Facebook: name the granted scopes in the callback", ""},
	"request code":          {"stands for what the user allowed; good once, for this app, with its secret and the code_verifier", "code"},
	"callback code":         {"stands for what the user allowed; good once, for this app, with its secret and the code_verifier", "code"},
	"callback scope":        {"what the user allowed, maybe less than was asked", ""},
	"callback prompt":       {"Google: whether the user was asked; this app does not read it", ""},
	"callback state":        {"must be the one that this browser was given", "state"},
	"iss":                   {"which provider answers; must be the one that was asked", ""},
	"authuser":              {"Google: which of the accounts in this browser; this app does not read it", ""},
	"granted_scopes":        {"Facebook: what the user allowed", ""},
	"denied_scopes":         {"Facebook: what the user did not allow", ""},
	"error":                 {"why there is no code", ""},
	"error_code":            {"Meta: the same as a number", ""},
	"error_reason":          {"Meta: who said no", ""},
	"error_type":            {"Meta: the kind of error", ""},
	"error_description":     {"the same in words, for developers", ""},
	"error_message":         {"Meta: the same in words", ""},
	"error_uri":             {"a page about the error", ""},
	"code":                  {"the error's number", ""},
	"message":               {"the same in words", ""},
	"status":                {"the HTTP status once more", ""},
	"type":                  {"the kind of error", ""},
	"fbtrace_id":            {"Meta: for its support", ""},
	"documentation_url":     {"a page about the error", ""},
	"grant_type":            {"what is given for the tokens", ""},
	"request redirect_uri":  {"where the browser is to be sent back to; the same in both requests, registered to the letter", ""},
	"code_verifier":         {"the secret of this attempt; its hash went ahead as code_challenge, so no thief can redeem the code", "code_verifier"},
	"client_secret":         {"proves that it is this app that asks", "client_secret"},

	// The reply with the tokens.
	"access_token":             {"opens the provider's API; it does not say who signed in", "access_token"},
	"token_type":               {"how the token is used: who bears it is let in", ""},
	"expires_in":               {"seconds until the access token dies", ""},
	"refresh_token":            {"buys new access tokens without the user, until it is taken back", "refresh_token"},
	"refresh_token_expires_in": {"GitHub: seconds until the refresh token dies", ""},
	"id_token":                 {"says who signed in, signed by the provider: see step 4", "id_token"},
	"tokens scope":             {"what was granted, maybe less than was asked", ""},
	"permissions":              {"Instagram: what was granted", ""},
	"user_id":                  {"a number for the user", ""},
	"tokens data":              {"Instagram: the reply, wrapped once more", "data"},

	// Tokens taken back.
	"token":           {"the token to revoke", "token"},
	"success":         {"Meta: done", ""},
	"token_type_hint": {"which kind of token that is", ""},

	// OAuth 1.0a: its requests, its replies, its callback.
	"oauth_callback":           {"where the provider sends the browser back to; registered there, to the letter", ""},
	"oauth_consumer_key":       {"this app's name at the provider", ""},
	"oauth_nonce":              {"random: a request that was overheard cannot be sent again", "oauth_nonce"},
	"oauth_signature":          {"proves that the app, and who holds the token's secret, sent exactly this", "oauth_signature"},
	"oauth_signature_method":   {"how the signature is made", ""},
	"oauth_timestamp":          {"when, in seconds since 1970; the provider refuses what is old", ""},
	"oauth_version":            {"the version of the protocol", ""},
	"oauth_token":              {"names the credentials whose secret signs", "oauth_token"},
	"oauth_token_secret":       {"signs the requests, and is never sent again", "oauth_token_secret"},
	"oauth_verifier":           {"shows that the user was asked, and that this browser is the user's", "oauth_verifier"},
	"temp oauth_token":         {"temporary: names this attempt, to the provider and in the callback", "temporary oauth_token"},
	"temp oauth_token_secret":  {"temporary: signs the request of step 3", "temporary oauth_token_secret"},
	"oauth_callback_confirmed": {"the provider has taken note of oauth_callback: this is OAuth 1.0a, and not the older 1.0", ""},
	"callback oauth_token":     {"must be the temporary token of this browser's attempt", "oauth_token"},
	"callback denied":          {"X: the user said no, to the attempt with this temporary token", "oauth_token"},
	"tokens screen_name":       {"X: the user's name there, which can change", ""},

	// Requests to the provider's API.
	"fields":           {"what is to be told of the user", ""},
	"user.fields":      {"X: what is to be told of the user besides id, name and username", ""},
	"appsecret_proof":  {"proves that the token is used by the app that it was issued to: HMAC of the token under client_secret", "appsecret_proof"},
	"include_email":    {"the e-mail address, too", ""},
	"skip_status":      {"without the latest post", ""},
	"include_entities": {"without what is linked", ""},

	// The provider's metadata.
	"issuer":                                {"the provider's name for itself; must be the one that this app is set up for", ""},
	"authorization_endpoint":                {"where step 1 sends the browser", ""},
	"token_endpoint":                        {"where step 3 redeems the code, and step 6 refreshes", ""},
	"userinfo_endpoint":                     {"where step 5 reads the profile", ""},
	"jwks_uri":                              {"where step 4 finds the keys that sign ID tokens", ""},
	"revocation_endpoint":                   {"where step 7 takes tokens back", ""},
	"token_endpoint_auth_methods_supported": {"how this app may prove who it is", ""},
	"authorization_response_iss_parameter_supported": {"a promise: the callback names the issuer, always", ""},
	"claims at_hash": {"", "at_hash"},
	"keys keys":      {"public keys: who has them can check signatures, not make them", ""},

	// Headers.
	"header Accept":           {"the form in which the answer is wanted", ""},
	"header Authorization":    {"who is asking", ""},
	"header Content-Type":     {"the form of the body", ""},
	"header Cache-Control":    {"who may keep a copy", ""},
	"header Www-Authenticate": {"what is missing", ""},
	"header Location":         {"a redirect, which this app does not follow", ""},
	"header Retry-After":      {"when to ask again", ""},
	"header User-Agent":       {"which program asks; GitHub insists on it", ""},

	// The attempt, under the names that it has in oauth/begin.go.
	"attempt value":           {"the attempt, for this browser to keep: encrypted, so that nobody can read or change it", "sealed"},
	"attempt Provider":        {"the callback must arrive at this provider's client", ""},
	"attempt State":           {"to compare with the callback's state; in OAuth 1.0a a hash of the temporary token, to name the cookie", "state"},
	"attempt Nonce":           {"to compare with the ID token's nonce", "nonce"},
	"attempt CodeVerifier":    {"to send with the code, in step 3", "code_verifier"},
	"attempt Scopes":          {"what was asked, to compare with what is granted", ""},
	"attempt IssParameter":    {"whether the provider promised iss in the callback", ""},
	"attempt Begun":           {"when; an attempt lives for ten minutes, its cookie for an hour, so that “too old” can be told from “none”", ""},
	"attempt TemporaryToken":  {"to compare with the callback's oauth_token", "temporary oauth_token"},
	"attempt TemporarySecret": {"to sign the request of step 3", "temporary oauth_token_secret"},
	"attempt User":            {"to whom this account is to be connected; must be the one who is signed in when the callback comes", ""},
	"attempt Next":            {"where the user goes afterwards, in this app", ""},
}

// claim says of a member of the ID token what it means and which checks read it.
type claim struct {
	about  string
	checks []string // names of rows of [oauth.Checks]
}

// claims are the members of the ID token's two readable parts: OIDC Core §2 and
// §5.1, RFC 7515 §4.1.
var claims = map[string]claim{
	"alg": {"the algorithm of the signature", []string{"header-alg", "key-fits"}},
	"kid": {"which of the provider's keys signed", []string{"key-known"}},
	"typ": {"what kind of token this is", []string{"header-typ"}},

	"iss":     {"issuer: who says all this", []string{"claim-iss"}},
	"aud":     {"audience: the client_id of the app that it is for", []string{"claim-aud", "claim-aud-only"}},
	"azp":     {"authorized party: the app that asked for it", []string{"claim-azp"}},
	"sub":     {"subject: the provider's permanent name for the user, and with iss the key of an account", []string{"claim-sub", "userinfo-sub"}},
	"exp":     {"expires: not to be accepted afterwards", []string{"claim-exp"}},
	"iat":     {"issued at", []string{"claim-iat", "claim-iat-fresh"}},
	"nbf":     {"not before", []string{"claim-nbf"}},
	"nonce":   {"the random value of step 1: the token answers this attempt and no other", []string{"claim-nonce"}},
	"at_hash": {"half of the access token's hash: the two were issued together", []string{"claim-at-hash"}},

	"auth_time":      {"when the user last typed a password there", nil},
	"name":           {"to show to people", nil},
	"given_name":     {"to show to people", nil},
	"family_name":    {"to show to people", nil},
	"picture":        {"address of a picture", nil},
	"email":          {"an address, never a key: another user may have it tomorrow", nil},
	"email_verified": {"whether the provider checked that the address is the user's", nil},
	"locale":         {"language", nil},
	"hd":             {"Google: the user's organization", nil},
}

// stepWords are the steps in the numbering of the whole project, by number.
type stepWords struct{ Name, Sentence, Spec string }

// chapters are the steps of OAuth 2.0 and OpenID Connect.
var chapters = map[int]stepWords{
	0:      {"discovery", "The app asks the provider where its endpoints are. All that it knows beforehand is the issuer's address.", "OIDC Discovery §4"},
	1:      {"request", "You pressed the button. The app makes random values, keeps them in a sealed cookie in your browser, and sends the browser to the provider with its question: who is this?", "RFC 6749 §4.1.1; RFC 7636 §4.3"},
	atUser: {"you, at the provider", "You sign in there and say yes or no. The app takes no part: it never sees your password, nor what you do at the provider.", "RFC 6749 §4.1"},
	2:      {"callback", "The provider sends the browser back with a code. The app makes sure that this is the answer to its own question, asked through this very browser.", "RFC 6749 §4.1.2; RFC 9700 §2.1"},
	3:      {"token", "The app redeems the code for tokens, directly with the provider, where no browser listens. It proves that it is the app (client secret) and that it began this attempt (code_verifier).", "RFC 6749 §4.1.3; RFC 7636 §4.5"},
	4:      {"ID token", "The provider's signed word on who signed in. Whoever accepts it unchecked lets everybody in, so: the signature first, then each claim.", "OIDC Core §3.1.3.7"},
	5:      {"profile", "The app uses the access token to ask the provider's API about the user.", "OIDC Core §5.3; RFC 6750 §2.1"},
	6:      {"refresh", "The app buys a new access token with the refresh token, without the user: because the old one is about to expire, or because you asked for it.", "RFC 6749 §6"},
	7:      {"revoke", "The app gives the tokens back: from now on they open nothing.", "RFC 7009 §2"},
}

// chapters1 are the steps that are others in OAuth 1.0a.
var chapters1 = map[int]stepWords{
	atUser: {"you, at the provider", chapters[atUser].Sentence, "RFC 5849 §2.2"},
	1:      {"request", "You pressed the button. The app asks the provider for temporary credentials, in a signed request that says where the browser is to come back to. Then it sends the browser to the provider, with nothing but their name.", "RFC 5849 §2.1, §2.2"},
	2:      {"callback", "The provider sends the browser back with a verifier. The app makes sure that this is the answer to its own question, asked through this very browser.", "RFC 5849 §2.2; RFC 9700 §2.1"},
	3:      {"token", "The app exchanges the temporary credentials and the verifier for a token and its secret. The request is signed with the temporary secret, which only the provider and this attempt have.", "RFC 5849 §2.3"},
	5:      {"profile", "The app reads who signed in from the provider's API, in a request signed with the token's secret.", "RFC 5849 §3.1, §3.4"},
}

// atUser is between steps 1 and 2, and has no number, for the app does nothing.
const atUser = -1

// Where a step of the table above does not happen.
var (
	nothingToAsk = stepWords{"discovery", "Nothing to ask: the endpoints are known, from this provider's file in providers/ or from its metadata, read less than an hour ago.", ""}
	noIDToken    = stepWords{"ID token", "Nothing to verify: this provider does not speak OpenID Connect and gives no ID token. Who signed in is known after step 5.", ""}
)
