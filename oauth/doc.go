// Package oauth is the client's side of "sign in with …": OAuth 2.0 with PKCE and
// OpenID Connect, and OAuth 1.0a, each step written by hand over net/http.
//
// A sign-in is five steps. The app keeps one [Client] for each provider, and one
// [Attempts]:
//
//	1 request    attempt, url, err := client.Begin(ctx)
//	             err = attempts.Put(w, r, attempt)         and redirect the browser to url
//	2 callback   attempt, err := attempts.Take(w, r)
//	             callback, err := client.ParseCallback(ctx, attempt, r.URL.RawQuery)
//	3 token      unverified, err := client.Exchange(ctx, callback)
//	4 ID token   tokens, err := client.VerifyIDToken(ctx, unverified)
//	5 profile    info, err := client.UserInfo(ctx, tokens)
//
// [Once] finishes steps 2 to 5 even if the browser goes away, and does not repeat them if
// the browser delivers the callback again.
//
// With OAuth 1.0a the app keeps a [Client1] instead. Its methods have the same names. There
// is no step 4:
//
//	3 token      credentials, err := client.Exchange(ctx, callback)
//	5 profile    info, err := client.UserInfo(ctx, credentials)
//
// Step 0, the provider's metadata, is fetched by the step that first needs it
// ([Client.Discover]). Tokens that are stored ([example.com/oauthbyhand/oauth/account])
// have two more steps:
//
//	6 refresh    tokens, err := client.Refresh(ctx, tokens)
//	7 revoke     err := client.Revoke(ctx, tokens)
//
// Only step 2 makes a [Callback], and only step 3 an [Unverified]. So none of the steps 2
// to 4 can be left out. The step numbers are the same in the code, in errors and on the
// pages.
//
// # Reading order
//
// In the order of the flow, one step or one idea per file:
//
//	provider.go    what a client must know of one provider, as data
//	client.go      this app as registered there; the one function that sends a request,
//	               follows no redirect and limits the size of the reply
//	discovery.go   0 the provider's metadata
//	begin.go       1 the attempt, and the URL to send the browser to
//	pkce.go          the secret that only this attempt knows
//	attempts.go      the attempt in a sealed cookie; a replayed callback is refused
//	once.go          one result for a callback that the browser delivers twice
//	callback.go    2 what came back
//	token.go       3 tokens for the code; how the client authenticates
//	idtoken.go     4 the ID token's signature, then its claims
//	jwk.go           the provider's keys
//	userinfo.go    5 the user's profile, read with the access token
//	refresh.go     6 new tokens for the refresh token
//	revoke.go      7 the tokens, revoked
//	oauth1.go      OAuth 1.0a: steps 1, 2, 3 and 5 again; 7 is in revoke.go
//	sign1.go         the signature of each request
//	shared.go      one fetch for many sign-ins that wait for it
//	seal.go        encryption, for what others could read or change
//	strictjson.go  JSON read so that two parsers cannot disagree
//	reply.go       what every reply must be, and how providers and users refuse
//	errors.go      what a check is, and the list of all checks
//	trace.go       what happened, as events
//
// # What is checked
//
// [Checks] lists every check with its step, its name, the section that asks for it,
// and what goes wrong without it. Each is declared at the top of the file of its
// step. A check that fails is a [*CheckError]. A denial by the user or the provider is a
// [*Refusal]; providers send it in a dozen shapes. [ErrNoRevocation] means that the
// provider has no step 7. Other errors are local.
//
// # Leniencies
//
// Providers differ from the specifications. If only one provider differs, its entry in
// package providers says so, with the source. For all providers this client accepts: expires_in as
// text, or one that makes no sense (the expiry is then unknown); scopes separated by commas;
// null for a member that is missing; keys in the key set that it does not understand; an ID
// token without typ or kid; a byte order mark before JSON; callback parameters that it does
// not know, which it ignores; a clock that is off by up to 60 seconds.
//
// # Not here, on purpose
//
//   - The password grant, which RFC 9700 §2.4 forbids, and the implicit grant, which
//     §2.1.2 advises against.
//   - Hybrid flows, such as code id_token, which §2.1.2 accepts: the code alone brings
//     all that this client needs. response_type is always code.
//   - response_mode=form_post, which keeps the code out of the browser's history (RFC 9700
//     §4.3.1): it needs a cookie that comes with other sites' forms (SameSite=None). A code
//     works only once, and this app uses it at once.
//   - Clients without a secret, and private_key_jwt: this app has a server that can
//     keep a secret, and the providers here give one.
//   - Dynamic registration, signed requests (JAR, PAR), JWE, signed userinfo
//     replies, logout at the provider, token introspection: none is needed to learn
//     who signed in, and none of the providers here asks for it.
//   - Providers whose secret is a JWT (Apple), and issuers that stand for many
//     tenants (Microsoft Entra "common"): their rules would have to be in the flow
//     of all providers.
//   - The exchange of a token for a longer-lived one, which Meta has instead of refresh
//     tokens: it would be a second way to do step 6, for two providers only. Their users
//     sign in again.
//   - Checks of max_age, acr and c_hash: they belong to requests that this client
//     never sends.
//   - Use of id_token_signing_alg_values_supported: this client accepts RS256 and ES256.
//   - Sign-ins that the provider begins (OIDC Core §4): a sign-in begins here.
//   - A guard against providers whose metadata name addresses inside this network:
//     the app's owner chose the issuer, and this client trusts it that far.
//   - Safety on plain http. Cookies do not tell ports apart, so a program on another port
//     of this host can plant one. It cannot forge an attempt. But it can begin a sign-in
//     here, plant its cookie and send the user to its callback: login CSRF.
//     Only the __Host- prefix stops that, and it needs https ([Cookie]).
package oauth
