package oauth

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestVerifyIDToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, opRow(), newOP())
		got := must(verify(t, c, sign(rs256, claims(set{"email": "jane@example.com"}), rsaKey())))
		want := Tokens{
			Provider: "op", AccessToken: "t0ken", Subject: "248289761001",
			IDToken: Object{
				"iss": json.RawMessage(`"https://op.example"`), "aud": json.RawMessage(`"app"`), "sub": json.RawMessage(`"248289761001"`),
				"iat": json.RawMessage("946684800"), "exp": json.RawMessage("946688400"), "nonce": json.RawMessage(`"n-0S6_WzA2Mj"`),
				"email": json.RawMessage(`"jane@example.com"`),
			},
		}
		wantEqual(t, want, got, "the tokens of step 4")
	})
}

// The examples of OpenID Connect Core, each at its own time.
func TestVerifyIDTokenVectors(t *testing.T) {
	headers := []string{"issuer", "client_id", "nonce", "now", "jwk", "access_token", "code"}
	for _, v := range readVectors(t, "idtoken-*", headers, []string{"ok"}) {
		bubble(t, v.name, func(t *testing.T) {
			now := must(time.Parse(time.RFC3339, v.header["now"]))
			time.Sleep(time.Until(now))
			jwk := must(parseObject([]byte(v.header["jwk"])))
			// Not NewClient: the first edition's issuer is http.
			c := &Client{Provider: Provider{About: About{Name: "op"}, Issuer: v.header["issuer"], OpenID: true}, ID: v.header["client_id"]}
			c.keys.value, c.keys.fetched = []key{parseKey(jwk)}, now
			attempt := Attempt{Provider: "op", Nonce: v.header["nonce"], Begun: now.Add(-10 * time.Minute)}

			got, err := c.VerifyIDToken(t.Context(), Unverified{attempt, Tokens{AccessToken: v.header["access_token"]}, v.body, false})
			if err != nil || got.Subject != "248289761001" {
				t.Errorf("subject %q, %v", got.Subject, err)
			}
			// One bit of the signature changed.
			_, err = c.VerifyIDToken(t.Context(), Unverified{attempt, Tokens{AccessToken: v.header["access_token"]}, flip(v.body, 2), false})
			wantCheck(t, err, 4, "id-token-signature", "the signature decides")
		})
	}
}

// The examples of RFC 7515: a good signature of an algorithm on our list, or an
// algorithm that is not.
func TestVerifySignatureVectors(t *testing.T) {
	for _, v := range readVectors(t, "jws-*", []string{"jwk"}, []string{"signature ok", "header-alg"}) {
		t.Run(v.name, func(t *testing.T) {
			if v.header["expect"] == "header-alg" {
				_, err := verify(t, newClient(t, opRow(), newOP()), v.body)
				wantCheck(t, err, 4, "header-alg", v.header["comment"])
				return
			}
			c := newClient(t, opRow(), newOP())
			c.keys.value, c.keys.fetched = []key{parseKey(must(parseObject([]byte(v.header["jwk"]))))}, time.Now()
			payload, err := c.verifySignature(t.Context(), v.body)
			if err != nil || !bytes.HasPrefix(payload, []byte(`{"iss":"joe"`)) {
				t.Errorf("the signature is good: %v, %s", err, payload)
			}
			for part := 1; part <= 2; part++ { // one bit of payload or signature changed
				if _, err := c.verifySignature(t.Context(), flip(v.body, part)); err == nil {
					t.Errorf("part %d changed, and the signature is still good", part)
				}
			}
		})
	}
}

// flip changes one bit in the middle of a part of a compact JWS.
func flip(compact string, part int) string {
	parts := strings.Split(compact, ".")
	raw := must(base64.RawURLEncoding.DecodeString(parts[part]))
	raw[len(raw)/2] ^= 1
	parts[part] = b64(raw)
	return strings.Join(parts, ".")
}

// Each row changes claims of a good token, and the provider signs them all the same.
func TestVerifyIDTokenClaims(t *testing.T) {
	ours := leftHalfHash("t0ken")
	for name, tt := range map[string]struct {
		claims set
		row    func(*Provider)
		fails  string // "" is none
		reason string
	}{
		"iss of another":     {claims: set{"iss": "https://evil.example"}, fails: "claim-iss", reason: "a token of another provider, whose user has the same sub"},
		"iss missing":        {claims: set{"iss": absent}, fails: "claim-iss", reason: "nobody's token is not ours"},
		"iss with a slash":   {claims: set{"iss": "https://op.example/"}, fails: "claim-iss", reason: "compared exactly"},
		"iss without scheme": {claims: set{"iss": "op.example"}, fails: "claim-iss", reason: "only if the provider entry has a source for it"},
		"iss by its alias":   {claims: set{"iss": "op.example"}, row: func(p *Provider) { p.IssuerAliases = []string{"op.example"} }, reason: "Google documents two spellings"},
		"iss a list":         {claims: set{"iss": []string{"https://op.example"}}, fails: "claim-types", reason: "a string (OIDC Core §2)"},

		"aud a list of one": {claims: set{"aud": []string{"app"}}, reason: "as good as the string (RFC 7519 §4.1.3)"},
		"aud of another":    {claims: set{"aud": "other"}, fails: "claim-aud", reason: "another app's token, replayed here by the people who run that app"},
		"aud missing":       {claims: set{"aud": absent}, fails: "claim-aud", reason: "for nobody is not for us"},
		"aud with another":  {claims: set{"aud": []string{"app", "other"}}, fails: "claim-aud-only", reason: "the other app has this very token, and could replay it here"},
		"aud, azp ours":     {claims: set{"aud": "other", "azp": "app"}, fails: "claim-aud", reason: "azp does not stand in for aud"},
		"aud a number":      {claims: set{"aud": 7}, fails: "claim-types", reason: "a string or a list of strings"},
		"aud mixed":         {claims: set{"aud": []any{"app", 7}}, fails: "claim-types", reason: "a list of strings"},

		"azp ours":     {claims: set{"azp": "app"}, reason: "Google sends it"},
		"azp another":  {claims: set{"azp": "other"}, fails: "claim-azp", reason: "another app asked for this token (OIDC Core §3.1.3.7 (5))"},
		"azp empty":    {claims: set{"azp": ""}, fails: "claim-azp", reason: "it is there, and not us"},
		"azp null":     {claims: set{"azp": nil}, reason: "null is absent"},
		"azp a number": {claims: set{"azp": 7}, fails: "claim-types", reason: "a string"},

		"exp 59 s ago":    {claims: set{"exp": epoch - 59}, reason: "within the leeway"},
		"exp 60 s ago":    {claims: set{"exp": epoch - 60}, fails: "claim-exp", reason: "the leeway's end"},
		"exp a fraction":  {claims: set{"exp": epoch + 0.5}, reason: "NumericDate may have one (RFC 7519 §2)"},
		"exp missing":     {claims: set{"exp": absent}, fails: "claim-exp", reason: "a token that never dies"},
		"exp in ms":       {claims: set{"exp": (epoch + 3600) * 1000}, fails: "claim-types", reason: "a token for 30,000 years"},
		"exp 0":           {claims: set{"exp": 0}, fails: "claim-exp", reason: "not taken for missing, and no date"},
		"exp overflowing": {claims: set{"exp": json.RawMessage("1e999")}, fails: "claim-types", reason: "it would wrap around to any date"},

		"iat 59 s ahead":       {claims: set{"iat": epoch + 59}, reason: "within the leeway"},
		"iat 60 s ahead":       {claims: set{"iat": epoch + 60}, fails: "claim-iat", reason: "the leeway's end"},
		"iat missing":          {claims: set{"iat": absent}, fails: "claim-iat", reason: "a token of unknown age"},
		"iat text":             {claims: set{"iat": "946684800"}, fails: "claim-types", reason: "a number"},
		"iat 59 s before":      {claims: set{"iat": epoch - 59}, reason: "before the attempt, but within the leeway"},
		"iat 61 s before":      {claims: set{"iat": epoch - 61}, fails: "claim-iat-fresh", reason: "this attempt's token cannot be older than the attempt: one of an earlier sign-in replayed"},
		"nbf 59 s ahead":       {claims: set{"nbf": epoch + 59}, reason: "within the leeway"},
		"nbf 60 s ahead":       {claims: set{"nbf": epoch + 60}, fails: "claim-nbf", reason: "the leeway's end"},
		"nbf text":             {claims: set{"nbf": "946684800"}, fails: "claim-types", reason: "a number"},
		"nonce missing":        {claims: set{"nonce": absent}, fails: "claim-nonce", reason: "a token of a flow without one, injected"},
		"nonce of another":     {claims: set{"nonce": "n-another"}, fails: "claim-nonce", reason: "the attacker's code, redeemed in the victim's attempt, brings the attacker's nonce"},
		"nonce a number":       {claims: set{"nonce": 7}, fails: "claim-types", reason: "a string"},
		"sub missing":          {claims: set{"sub": absent}, fails: "claim-sub", reason: "everybody without one would be one user"},
		"sub of 255":           {claims: set{"sub": strings.Repeat("x", 255)}, reason: "the longest (OIDC Core §2)"},
		"sub of 256":           {claims: set{"sub": strings.Repeat("x", 256)}, fails: "claim-sub", reason: "a database that cuts it takes two users for one"},
		"sub not ASCII":        {claims: set{"sub": "jané"}, fails: "claim-sub", reason: "a database that folds it takes two users for one"},
		"sub a number":         {claims: set{"sub": 248289761001}, fails: "claim-types", reason: "long numbers lose their last digits in many readers"},
		"SUB":                  {claims: set{"sub": absent, "SUB": "248289761001"}, fails: "claim-sub", reason: "encoding/json alone would take it for sub"},
		"at_hash ours":         {claims: set{"at_hash": ours}, reason: "of the access token that came with it"},
		"at_hash of another":   {claims: set{"at_hash": leftHalfHash("another")}, fails: "claim-at-hash", reason: "the access token was exchanged for another user's"},
		"at_hash empty":        {claims: set{"at_hash": ""}, fails: "claim-at-hash", reason: "it is there, and not of this token"},
		"at_hash null":         {claims: set{"at_hash": nil}, reason: "null is absent, and it is optional (OIDC Core §3.1.3.6)"},
		"at_hash a number":     {claims: set{"at_hash": 7}, fails: "claim-types", reason: "a string"},
		"claims nobody checks": {claims: set{"acr": "0", "amr": []string{"pwd"}, "auth_time": epoch - 9999, "sid": "x", "c_hash": "x"}, reason: "unknown claims are ignored (OIDC Core §2)"},
	} {
		bubble(t, name, func(t *testing.T) {
			row := with(opRow(), tt.row)
			got, err := verify(t, newClient(t, row, newOP()), sign(rs256, claims(tt.claims), rsaKey()))
			wantCheck(t, err, 4, tt.fails, tt.reason)
			if tt.fails != "" && (got.AccessToken != "" || got.Subject != "") {
				t.Error("tokens with an error")
			}
			if sub, changed := tt.claims["sub"]; tt.fails == "" && !changed && got.Subject != "248289761001" || tt.fails == "" && changed && got.Subject != sub {
				t.Errorf("subject %q", got.Subject)
			}
		})
	}
}

// What the header of an ID token may say: its algorithm, its key, its type. If the header is
// accepted, the signature is good.
func TestVerifyIDTokenHeader(t *testing.T) {
	mallory := must(rsa.GenerateKey(rand.Reader, 2048))
	embedded := func(member string) string {
		return `{"alg":"RS256","kid":"rsa",` + member + `}`
	}
	for name, tt := range map[string]struct {
		header string
		key    crypto.Signer
		fails  string
		reason string
	}{
		"RS256":             {rs256, rsaKey(), "", "what OpenID Connect demands of everybody (OIDC Core §15.1)"},
		"ES256":             {es256, ecKey(), "", "the other one on our list"},
		"RS256 without kid": {`{"alg":"RS256"}`, rsaKey(), "", "there is one key that fits"},
		"kid empty":         {`{"alg":"RS256","kid":""}`, rsaKey(), "", "empty is missing"},

		"none":        {`{"alg":"none"}`, rsaKey(), "header-alg", "nobody signed this (RFC 8725 §2.1)"},
		"None":        {`{"alg":"None","kid":"rsa"}`, rsaKey(), "header-alg", "a list of what is refused would miss this; ours is of what is taken"},
		"no alg":      {`{"kid":"rsa"}`, rsaKey(), "header-alg", "it must be there (RFC 7515 §4.1.1)"},
		"rs256":       {`{"alg":"rs256","kid":"rsa"}`, rsaKey(), "header-alg", "values are case-sensitive (RFC 7515 §4.1.1)"},
		"HS256":       {`{"alg":"HS256","kid":"rsa"}`, rsaKey(), "header-alg", "the key would be a shared secret"},
		"alg number":  {`{"alg":1,"kid":"rsa"}`, rsaKey(), "id-token-form", "a string"},
		"alg twice":   {`{"alg":"none","alg":"RS256","kid":"rsa"}`, rsaKey(), "id-token-form", "two parsers, two algorithms (RFC 7515 §4)"},
		"header list": {`["RS256"]`, rsaKey(), "id-token-form", "a header is an object"},
		"not JSON":    {`{alg:RS256}`, rsaKey(), "id-token-form", "likewise"},

		"RS256 with the EC key":  {`{"alg":"RS256","kid":"ec"}`, rsaKey(), "key-fits", "the key decides what it is good for (RFC 8725 §3.1)"},
		"ES256 with the RSA key": {`{"alg":"ES256","kid":"rsa"}`, ecKey(), "key-fits", "likewise"},
		"kid of no key":          {`{"alg":"RS256","kid":"unknown"}`, rsaKey(), "key-known", "never another key instead"},
		"kid a number":           {`{"alg":"RS256","kid":1}`, rsaKey(), "id-token-form", "a string (RFC 7515 §4.1.4)"},

		"typ JWT":             {`{"alg":"RS256","typ":"JWT"}`, rsaKey(), "", "usual"},
		"typ application/jwt": {`{"alg":"RS256","typ":"application/JWT"}`, rsaKey(), "", "the same in full"},
		"typ at+jwt":          {`{"alg":"RS256","typ":"at+jwt"}`, rsaKey(), "header-typ", "an access token in JWT form, signed by the same key (RFC 9068)"},
		"typ a number":        {`{"alg":"RS256","typ":1}`, rsaKey(), "id-token-form", "a string"},

		"crit":        {embedded(`"crit":["exp"],"exp":1`), rsaKey(), "header-crit", "an extension that must be understood, and is not"},
		"crit empty":  {embedded(`"crit":[]`), rsaKey(), "header-crit", "malformed (RFC 7515 §4.1.11)"},
		"cty":         {embedded(`"cty":"x","x":[1,{}]`), rsaKey(), "", "unknown members are ignored (RFC 7515 §4)"},
		"jwk":         {embedded(`"jwk":` + jwkOfRSA("rsa", &mallory.PublicKey)), mallory, "id-token-signature", "the attacker brings the key along (RFC 7515 §4.1.3)"},
		"jwk, no kid": {`{"alg":"RS256","jwk":` + jwkOfRSA("x", &mallory.PublicKey) + `}`, mallory, "id-token-signature", "likewise"},
		"jku":         {embedded(`"jku":"https://evil.example/jwks"`), mallory, "id-token-signature", "a URL that the attacker chose is never fetched"},
		"somebody's":  {rs256, mallory, "id-token-signature", "a token that anybody can write"},
	} {
		bubble(t, name, func(t *testing.T) {
			p := newOP()
			_, err := verify(t, newClient(t, opRow(), p), sign(tt.header, claims(nil), tt.key))
			wantCheck(t, err, 4, tt.fails, tt.reason)
			for _, r := range p.asked {
				if r.URL != opDiscovery && r.URL != opJWKS {
					t.Errorf("asked %s", r.URL)
				}
			}
		})
	}
}

// What the two parts and the signature over them look like. The provider signs each
// of them as it is, so that the form alone decides.
func TestVerifyIDTokenForm(t *testing.T) {
	header, payload := b64([]byte(rs256)), b64([]byte(claims(nil)))
	signed := func(first, second string) string { return signParts(first+"."+second, rsaKey()) }
	good := signed(header, payload)
	raw := func(claims string) string { return sign(rs256, claims, rsaKey()) }
	parts := strings.Split(good, ".")
	signature := must(decodeBase64url(parts[2]))
	// nonZero is s with another last character, which decodes to the same bytes if
	// nobody looks at the bits that are left over.
	nonZero := func(s string) string {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, s[len(s)-1])
		return s[:len(s)-1] + alphabet[last+1:last+2]
	}
	spaced := claims(nil) // with as many spaces as leave bits over
	for len(spaced)%3 == 0 {
		spaced += " "
	}
	hash := sha256.Sum256([]byte(b64([]byte(es256)) + "." + payload))
	der := must(ecKey().Sign(nil, hash[:], crypto.SHA256))
	ec := b64([]byte(es256)) + "." + payload + "."
	rs := must(decodeBase64url(strings.TrimPrefix(sign(es256, claims(nil), ecKey()), ec)))
	// byHMAC is signed with the public key, which everybody has, as a shared secret.
	byHMAC := func(header string) string {
		signed := b64([]byte(header)) + "." + payload
		mac := hmac.New(sha256.New, rsaKey().N.Bytes())
		mac.Write([]byte(signed))
		return signed + "." + b64(mac.Sum(nil))
	}
	for name, tt := range map[string]struct {
		token  string
		fails  string
		reason string
	}{
		"good":         {good, "", "what the others are made from"},
		"two parts":    {header + "." + payload, "id-token-form", "no signature is not an empty one"},
		"four parts":   {good + "." + parts[2], "id-token-form", "which of them is the signature?"},
		"five parts":   {good + "." + header + "." + header, "id-token-form", "encrypted (RFC 7516); never agreed on"},
		"JSON":         {`{"payload":"` + payload + `","protected":"` + header + `","signature":"` + parts[2] + `"}`, "id-token-form", "the JSON serialization, with room for unprotected headers"},
		"opaque token": {"gho_16C7e42F292c6912E7710c838347Ae178B4a", "id-token-form", "an access token in its place"},

		"header padded":     {signed(header+"=", payload), "id-token-form", "one token, one spelling (RFC 7515 §2)"},
		"signature padded":  {good + "==", "id-token-form", "likewise"},
		"newline":           {signed(header, payload[:8]+"\n"+payload[8:]), "id-token-form", "encoding/base64 skips it, others do not"},
		"carriage return":   {signed(header[:8]+"\r"+header[8:], payload), "id-token-form", "likewise"},
		"base64":            {signed(base64.RawStdEncoding.EncodeToString([]byte(`{"alg":"RS256","a":"???>>>"}`)), payload), "id-token-form", "+ and / are not of this alphabet (RFC 4648 §5)"},
		"bits in claims":    {signed(header, nonZero(b64([]byte(spaced)))), "id-token-form", "two spellings of the same bytes (RFC 4648 §3.5)"},
		"bits in signature": {nonZero(good), "id-token-form", "two tokens of one signature, of which a list of used ones knows one"},

		"claims of another": {parts[0] + "." + b64([]byte(claims(set{"sub": "1"}))) + "." + parts[2], "id-token-signature", "the victim's sub under the attacker's signature"},
		"header of another": {b64([]byte(`{"alg":"RS256"}`)) + "." + parts[1] + "." + parts[2], "id-token-signature", "the header is signed too"},
		"signature changed": {flip(good, 2), "id-token-signature", "one bit"},
		"signature empty":   {parts[0] + "." + parts[1] + ".", "id-token-signature", "nobody signed it"},
		"signature shorter": {parts[0] + "." + parts[1] + "." + b64(signature[:255]), "id-token-signature", "as long as the modulus (RFC 8017 §8.2.2)"},

		"HMAC by the public key": {byHMAC(`{"alg":"HS256","kid":"rsa"}`), "header-alg", "key confusion, the classic (RFC 8725 §2.1)"},
		"HMAC said to be RS256":  {byHMAC(rs256), "id-token-signature", "likewise"},

		"ES256":             {sign(es256, claims(nil), ecKey()), "", "what the next are made from"},
		"ES256 as ASN.1":    {ec + b64(der), "id-token-signature", "R and S of 32 bytes each (RFC 7518 §3.4); ASN.1 has many spellings"},
		"ES256 of zeros":    {ec + b64(make([]byte, 64)), "id-token-signature", "once good for anything in Java (CVE-2022-21449)"},
		"ES256, S longer":   {ec + b64(slices.Concat(rs[:32], []byte{0}, rs[32:])), "id-token-signature", "the same numbers in another spelling"},
		"ES256 other curve": {ec + b64(slices.Repeat([]byte{0xff}, 64)), "id-token-signature", "R and S beyond the order of the curve"},

		"claim twice":   {raw(`{"sub":"1",` + claims(nil)[1:]), "id-token-form", "two parsers, two users (RFC 7519 §4)"},
		"not UTF-8":     {raw(`{"name":"` + "\xff" + `",` + claims(nil)[1:]), "id-token-form", "two subjects become one as U+FFFD"},
		"claims a list": {raw("[" + claims(nil) + "]"), "id-token-form", "claims are one object"},
	} {
		bubble(t, name, func(t *testing.T) {
			got, err := verify(t, newClient(t, opRow(), newOP()), tt.token)
			wantCheck(t, err, 4, tt.fails, tt.reason)
			if tt.fails == "" && got.Subject != "248289761001" {
				t.Errorf("subject %q", got.Subject)
			}
		})
	}
}

// The last value that passes and the first that does not.
func TestDates(t *testing.T) {
	_, err := verify(t, newClient(t, opRow(), newOP()), sign(rs256, claims(set{"exp": "soon"}), rsaKey()))
	wantGot(t, err, CheckError{Got: "exp has the wrong type"})
	for date, want := range map[string]time.Time{
		"-1": {}, "0.9": {}, "1": time.Unix(1, 0), "253402300799": time.Unix(253402300799, 0), "253402300800": {},
	} {
		var got time.Time
		err := readDate(Object{"exp": []byte(date)}, "exp", &got)
		if !got.Equal(want) || (err != nil) != (date == "253402300800") {
			t.Errorf("%s: %s, %v, want %s", date, got, err, want)
		}
	}
}

func TestTokenFormSays(t *testing.T) {
	for compact, want := range map[string]CheckError{
		"*.e30.eA": {Got: "not base64url"}, "e30.*.eA": {Got: "not base64url"}, "e30.e30.*": {Got: "not base64url"},
		"e30.e30": {Got: "not three parts separated by dots"}, "e30.e30.eA": {Want: "RS256 or ES256"},
	} {
		ctx, decoded := last[TokenDecoded](t.Context())
		_, err := newClient(t, opRow(), newOP()).VerifyIDToken(ctx, Unverified{attemptOf("op"), Tokens{Provider: "op"}, compact, false})
		wantGot(t, err, want)
		if isToken := compact == "e30.e30.eA"; isToken != (decoded.Compact == compact) {
			t.Errorf("%s is a token: %t, shown as %q", compact, isToken, decoded.Compact)
		}
	}
}

// Whatever arrives, nothing panics, and only what the provider signed is accepted.
func FuzzVerifyIDToken(f *testing.F) {
	// The fuzzer's processes live at different times: tokens of 2026 that are good for long.
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	long := set{"iat": begun.Unix(), "exp": begun.AddDate(1000, 0, 0).Unix()}
	honest := []string{sign(rs256, claims(long), rsaKey()), sign(es256, claims(long), ecKey()), sign(`{"alg":"RS256"}`, claims(long), rsaKey())}
	for _, token := range honest {
		f.Add(token)
		f.Add(flip(token, 2))
		f.Add(strings.Replace(token, ".", ".\n", 1))
	}
	f.Add(sign(`{"alg":"none"}`, claims(long), rsaKey()))
	for _, v := range readVectors(f, "jws-*", []string{"jwk"}, []string{"signature ok", "header-alg"}) {
		f.Add(v.body)
	}
	c := newClient(f, opRow(), newOP())
	attempt := attemptOf("op")
	attempt.Begun = begun
	for _, token := range honest {
		must(c.VerifyIDToken(f.Context(), Unverified{attempt, Tokens{}, token, false}))
	}
	f.Fuzz(func(t *testing.T, token string) {
		tokens, err := c.VerifyIDToken(t.Context(), Unverified{attempt, Tokens{}, token, false})
		if err == nil && !slices.Contains(honest, token) {
			t.Errorf("accepted: %q", token)
		}
		if err != nil && tokens.Subject != "" {
			t.Errorf("a subject with %v", err)
		}
	})
}

// benchToken returns a client that has its provider's keys, and a token with nine claims.
func benchToken(b *testing.B) (*Client, Unverified) {
	c, attempt := newClient(b, opRow(), newOP()), attemptOf("op")
	attempt.Begun = time.Now()
	token := sign(rs256, claims(set{"iat": time.Now().Unix(), "exp": time.Now().Unix() + 3600, "at_hash": leftHalfHash("t0ken"),
		"email": "ada@example.com", "email_verified": true}), rsaKey())
	unverified := Unverified{attempt, Tokens{AccessToken: "t0ken"}, token, false}
	must(c.VerifyIDToken(b.Context(), unverified))
	return c, unverified
}

// BenchmarkVerifyIDToken is to be compared with BenchmarkVerifyFloor of the same run:
// what step 4 costs beyond the arithmetic of the signature.
func BenchmarkVerifyIDToken(b *testing.B) {
	c, unverified := benchToken(b)
	b.ReportAllocs()
	for b.Loop() {
		must(c.VerifyIDToken(b.Context(), unverified))
	}
}

func BenchmarkVerifyFloor(b *testing.B) {
	_, unverified := benchToken(b)
	token := must(parseJWS(unverified.idToken))
	signed := []byte(token.signed)
	b.ReportAllocs()
	for b.Loop() {
		hash := sha256.Sum256(signed)
		if err := rsa.VerifyPKCS1v15(&rsaKey().PublicKey, crypto.SHA256, hash[:], token.signature); err != nil {
			b.Fatal(err)
		}
	}
}
