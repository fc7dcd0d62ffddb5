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
// Call steps 2 to 5 through [Once]. Then they finish even if the browser goes away, and run
// only once even if the browser brings the callback twice.
//
// With OAuth 1.0a the app keeps a [Client1] instead. Its methods have the same names. There
// is no step 4:
//
//	3 token      credentials, err := client.Exchange(ctx, callback)
//	5 profile    info, err := client.UserInfo(ctx, credentials)
//
// Step 0 fetches the provider's metadata ([Client.Discover]). You need not call it: each step
// that needs metadata does. Two more steps are for tokens that the app has stored
// ([example.com/oauthbyhand/oauth/account]):
//
//	6 refresh    tokens, err := client.Refresh(ctx, tokens)
//	7 revoke     err := client.Revoke(ctx, tokens)
//
// Step 3 takes a [Callback], which only step 2 makes. Step 4 takes an [Unverified], which an
// app gets only from step 3, and can open only with step 4. So you cannot leave out step 2, 3
// or 4. The step numbers are the same in the code, in errors and on the pages.
//
// # Files
//
// Each file has one step or one idea. In the order of a sign-in:
//
//	provider.go    what a client must know about one provider, as data
//	client.go      this app as registered at a provider; the function that sends each
//	               request, follows no redirect and limits the size of the reply
//	discovery.go   0 the provider's metadata
//	begin.go       1 the attempt, and the URL to send the browser to
//	pkce.go          the secret that only this attempt knows
//	attempts.go      the attempt, in a sealed cookie; refuses a replayed callback
//	once.go          one result, even if the browser brings a callback twice
//	callback.go    2 what the browser brings back
//	token.go       3 exchanges the code for tokens; how the client authenticates
//	idtoken.go     4 the ID token's signature, then its claims
//	jwk.go           the provider's keys
//	userinfo.go    5 the user's profile, read with the access token
//	refresh.go     6 exchanges the refresh token for new tokens
//	revoke.go      7 tells the provider to end the tokens
//	oauth1.go      OAuth 1.0a: steps 1, 2, 3 and 5 again; 7 is in revoke.go
//	sign1.go         the signature of each request
//	shared.go      one fetch of metadata or keys for all sign-ins that need them
//	seal.go        encryption of what others could read or change, such as cookies
//	strictjson.go  a JSON reader that refuses what two readers could read differently
//	reply.go       what must hold for most replies, and how providers and users refuse
//	errors.go      what a check is, and the list of all checks
//	trace.go       what happened, as events
//
// # What is checked
//
// [Checks] lists every check with its step, its name, the section that asks for it,
// and what goes wrong without it. Each is declared at the top of a file that makes it. A
// step whose check fails returns a [*CheckError]. If the user or the provider declines, it
// returns a [*Refusal]. [ErrNoRevocation] means that the provider has no step 7. Other errors
// have no type of this package, for example if a URL cannot be parsed.
//
// # Leniencies
//
// Providers differ from the specifications. Most differences of one provider are in its
// entry in package providers, with the source. This client accepts from every provider:
//
//   - expires_in as text, and an expires_in that makes no sense (see expiresIn)
//   - scopes separated by commas, or as a list
//   - null in place of an absent member of a reply
//   - a key set in which this client does not understand some of the keys
//   - an ID token without typ or kid
//   - a byte order mark before JSON
//   - unknown parameters of the callback, if none occurs twice
//   - a clock that differs from this machine's by up to 60 seconds
//
// # Not here, on purpose
//
//   - The password grant, which RFC 9700 §2.4 forbids, and the implicit grant, which
//     §2.1.2 advises against.
//   - Hybrid flows, such as response_type "code id_token", which RFC 9700 §2.1.2 accepts.
//     This client always sends response_type=code: the code brings all that it needs.
//   - response_mode=form_post, which keeps the code out of the browser's history (RFC 9700
//     §4.3.1): it needs a cookie that comes with other sites' forms (SameSite=None). A code
//     works only once, and this app uses it at once.
//   - Clients without a secret, and private_key_jwt: this app has a server that can
//     keep a secret, and all its providers give one.
//   - Dynamic registration, signed or pushed requests (JAR, PAR), encrypted tokens (JWE),
//     signed userinfo replies, logout at the provider, token introspection: an app can learn
//     who signed in without them, and none of the providers here asks for them.
//   - Providers whose secret is a JWT (Apple), and issuers that stand for many
//     tenants (Microsoft Entra "common"): the steps that all
//     providers share would need code for just these two.
//   - The exchange of a token for a longer-lived one. Facebook and Instagram have it instead
//     of refresh tokens. It would be a second step 6 for these two. Their users sign in again.
//   - Checks of max_age, acr and c_hash: they belong to requests that this client
//     never sends.
//   - The metadata's id_token_signing_alg_values_supported: this client accepts RS256 and
//     ES256, whatever the metadata says.
//   - Sign-ins that the provider begins (OIDC Core §4): each sign-in begins in this app.
//   - A guard against providers whose metadata points inside this network:
//     the app's owner chose the issuer, so this client trusts its metadata.
//   - Safety on plain http. Cookies do not tell ports apart, so a program on another port
//     of this host can set one. An attacker who has such a program cannot forge an attempt.
//     But the attacker can begin a sign-in here, set its cookie in the user's browser, and
//     send that browser to the callback of this sign-in (login CSRF). Only the __Host- prefix
//     stops that, and it needs https ([Cookie]).
package oauth
