package providers

import (
	"cmp"
	"encoding/json"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// Instagram speaks OAuth 2.0, by its "Instagram API with Instagram Login". It is for
// professional accounts only, and gives no e-mail addresses. The older Basic Display API ended
// on 2024-12-04.
func Instagram() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:    "instagram",
			Title:   "Instagram",
			Console: "https://developers.facebook.com/apps/",
			// Instagram takes only https, even for localhost: use a tunnel or a local TLS proxy.
			CallbackHosts: nil,
			Notes: "In the dashboard: Instagram → API setup with Instagram login → Business login settings. Take the id and the secret that are there, " +
				"not those of the Facebook app. Only professional accounts can sign in. The dashboard may add a slash to the end of the callback URL: look at what it saved. " +
				"While the app is in development mode, the account must be an Instagram tester of the app, and must have accepted this. Other accounts get “Insufficient developer role”. " +
				"Instagram's tokens live for an hour, and this app does not exchange them for longer-lived tokens: when a token has expired, sign in again.",
			Sources: []string{
				"https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login",
				"https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/get-started",
				"https://github.com/jsmrtn/craftagram/issues/86", // accounts must be testers
			},
			Checked: "2026-11-29",
		},
		Metadata: oauth.Metadata{
			// The guide says www.instagram.com, the reference page api.instagram.com. The guide
			// is newer.
			AuthorizationEndpoint: "https://www.instagram.com/oauth/authorize",
			TokenEndpoint:         "https://api.instagram.com/oauth/access_token",
		},
		Scopes:         []string{"instagram_business_basic"},
		ScopeSeparator: ",",
		WithoutPKCE: "Instagram's documents do not mention PKCE (the first source of the entry, read on 2026-11-29). " +
			"State ties the callback to this browser, and the client secret ties the code to this app. Nothing ties the code to one sign-in.",
		ClientAuth:   "client_secret_post",
		TokenReply:   instagramTokens,
		InvalidGrant: []string{"190"},
		RevokePage:   "https://help.instagram.com/1144624522593085",
		ProfileURLs:  []oauth.ProfileURL{{URL: "https://graph.instagram.com/v26.0/me?fields=id,user_id,username,name,account_type,profile_picture_url"}},
		Profile:      instagramProfile,
	}
}

// instagramTokens turns both shapes of the token reply into the standard's shape (RFC 6749
// §5.1). The guide shows {"data": [{…}]}. Apps in production get only the inner object. The
// granted scopes are called permissions, and are a list or a text with commas.
func instagramTokens(reply oauth.Object) (oauth.Object, error) {
	var wrapped []oauth.Object
	if err := reply.Read("data", &wrapped); err != nil {
		return nil, err
	}
	if len(wrapped) == 1 && wrapped[0] != nil {
		reply = wrapped[0]
	}
	if permissions, ok := reply["permissions"]; ok {
		var list []string
		if json.Unmarshal(permissions, &list) == nil {
			permissions, _ = json.Marshal(strings.Join(list, " "))
		}
		reply["scope"] = permissions
	}
	if _, ok := reply["token_type"]; !ok {
		reply["token_type"] = json.RawMessage(`"bearer"`) // the standard requires it, Instagram leaves it out
	}
	if _, ok := reply["expires_in"]; !ok {
		reply["expires_in"] = json.RawMessage("3600") // the reply does not say it, the guide does
	}
	return reply, nil
}

// instagramProfile takes user_id of /me as subject: it is the professional account's. The
// user_id of the token reply is another id. There it is a number above 2^53, and many JSON
// readers get its last digits wrong.
func instagramProfile(r oauth.ProfileInput) (oauth.Profile, error) {
	var p oauth.Profile
	var username string
	err := read(r.API[0], members{
		"user_id":             &p.Subject,
		"name":                &p.Name,
		"username":            &username,
		"profile_picture_url": &p.Picture,
	})
	p.Name = cmp.Or(p.Name, username)
	return p, err
}
