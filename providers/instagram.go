package providers

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
)

// Instagram is "Instagram API with Instagram Login": OAuth 2.0, for professional
// accounts only, without e-mail addresses. The older ways in are closed, Basic
// Display since 2024-12-04.
func Instagram() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:    "instagram",
			Title:   "Instagram",
			Console: "https://developers.facebook.com/apps/",
			// No host at all: https always, so use a tunnel or a local TLS proxy.
			CallbackHosts: nil,
			Notes: "Instagram → API setup with Instagram login → Business login settings. It has an app id and a secret of its own, " +
				"not the Facebook app's. Professional accounts only. The dashboard may add a slash to the callback URL: copy it back.",
			Sources: []string{
				"https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login",
				"https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/get-started",
				"https://developers.facebook.com/docs/instagram-platform/reference/refresh_access_token",
			},
			Checked: "2026-11-20",
		},
		Metadata: oauth.Metadata{
			// The guide says www., the reference page api.; the guide is the newer.
			AuthorizationEndpoint: "https://www.instagram.com/oauth/authorize",
			TokenEndpoint:         "https://api.instagram.com/oauth/access_token",
		},
		Scopes:         []string{"instagram_business_basic"},
		ScopeSeparator: ",",
		ClientAuth:     "client_secret_post",
		NoTokenType:    true,
		TokenReply:     instagramTokens,
		InvalidGrant:   []string{"190"},
		RenewRequest:   instagramRenew,
		RenewBefore:    30 * 24 * time.Hour,
		RevokePage:     "https://help.instagram.com/1144624522593085",
		ProfileURLs:    []oauth.ProfileURL{{URL: "https://graph.instagram.com/v26.0/me?fields=id,user_id,username,name,account_type,profile_picture_url"}},
		Profile:        instagramProfile,
	}
}

// instagramTokens brings both shapes of the token reply into the standard's: the
// guide shows {"data": [{…}]}, and apps in production see the inner object alone.
// The granted scopes are called permissions, a list or text with commas.
func instagramTokens(reply oauth.Object) (oauth.Object, error) {
	var wrapped []oauth.Object
	if err := reply.Read("data", &wrapped); err != nil {
		return nil, err
	}
	if len(wrapped) == 1 {
		reply = wrapped[0]
	}
	if permissions, ok := reply["permissions"]; ok {
		var list []string
		if json.Unmarshal(permissions, &list) == nil {
			permissions, _ = json.Marshal(strings.Join(list, " "))
		}
		reply["scope"] = permissions
	}
	if _, ok := reply["expires_in"]; !ok {
		reply["expires_in"] = json.RawMessage("3600") // the guide says so, the reply does not
	}
	return reply, nil
}

// instagramRenew exchanges the token of a sign-in, which lives an hour, for one of
// 60 days, and that one, when it is at least a day old, for another 60 days.
// Instagram documents both as a GET, with the secrets in the URL.
func instagramRenew(_, clientSecret string, t oauth.Tokens) oauth.Request {
	path, query := "refresh_access_token", url.Values{
		"grant_type":   {"ig_refresh_token"},
		"access_token": {t.AccessToken},
	}
	if _, ofSignIn := t.Reply["user_id"]; ofSignIn { // only that token's reply names the user
		path = "access_token"
		query.Set("grant_type", "ig_exchange_token")
		query.Set("client_secret", clientSecret)
	}
	return oauth.Request{Method: http.MethodGet, URL: "https://graph.instagram.com/" + path + "?" + query.Encode()}
}

// instagramProfile takes the user_id that /me gives, the professional account's. The
// user_id of the token reply is another one, and a number above 2^53 there: many
// JSON readers get its last digits wrong.
func instagramProfile(r oauth.Replies) (oauth.Profile, error) {
	me, err := object(r.API[0])
	if err != nil {
		return oauth.Profile{}, err
	}
	var p oauth.Profile
	var username string
	err = cmp.Or(
		me.Read("user_id", &p.Subject),
		me.Read("name", &p.Name),
		me.Read("username", &username),
		me.Read("profile_picture_url", &p.Picture),
	)
	p.Name = cmp.Or(p.Name, username)
	return p, err
}
