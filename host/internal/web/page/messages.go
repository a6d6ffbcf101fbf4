package page

import (
	"fmt"
	"math"
	"time"
)

// Message tells people what happened and what to do next. It is plain text of
// our own: what providers and plugins write goes to the log.
type Message struct {
	Title string // a few words
	What  string // one sentence: what happened
	Next  string // what to do now
}

// The messages, by what happened.
var (
	MessageBadCredentials = Message{
		Title: "That did not match",
		What:  "The user name or password is not right.",
		Next:  "Check both and try again. Mind Caps Lock.",
	}
	MessageCodeWrong = Message{
		Title: "That code did not match",
		What:  "The code is not right.",
		Next:  "Enter the code that is shown or was sent last.",
	}
	MessageCodeExpired = Message{
		Title: "That code has expired",
		What:  "The code is too old, or was used before.",
		Next:  "Enter the next one.",
	}
	MessageNotAccepted = Message{
		Title: "That was not accepted",
		What:  "What you entered was not accepted.",
		Next:  "Check it and try again.",
	}
	MessageMoreWanted = Message{
		Title: "One more step",
		What:  "The sign-in goes on: something more is asked for.",
		Next:  "Answer what is asked for.",
	}
	MessageCancelled = Message{
		Title: "Sign-in cancelled",
		What:  "You cancelled the sign-in at the provider, or did not give permission.",
		Next:  "Nothing has changed. You can start again whenever you like.",
	}
	MessageAccountDisabled = Message{
		Title: "Your account is disabled",
		What:  "You have an account, but it may not be used at the moment.",
		Next:  "Ask your administrator to enable it.",
	}
	MessageAccountLocked = Message{
		Title: "Your account is locked",
		What:  "The account is locked, perhaps after too many wrong passwords.",
		Next:  "Wait a while before you try again, or ask your administrator to unlock it.",
	}
	MessagePasswordExpired = Message{
		Title: "Your password has expired",
		What:  "The password is too old and must be replaced by a new one.",
		Next:  "Change it where your organisation lets you do so, then sign in again.",
	}
	MessagePasswordMustChange = Message{
		Title: "Choose a new password",
		What:  "The password must be replaced by a new one before you can sign in.",
		Next:  "Change it where your organisation lets you do so, then sign in again.",
	}
	MessagePasswordsDiffer = Message{
		Title: "The new passwords differ",
		What:  "The two new passwords are not the same.",
		Next:  "Enter the new password twice.",
	}
	MessagePasswordRejected = Message{
		Title: "Choose another password",
		What:  "The new password was not accepted: it may be too short, too simple, or used before.",
		Next:  "Choose one that is longer and new.",
	}
	MessageAccountExpired = Message{
		Title: "Your account has expired",
		What:  "You have an account, but its time is over.",
		Next:  "Ask your administrator to extend it.",
	}
	MessageLogonNotPermitted = Message{
		Title: "You may not sign in now",
		What:  "Your account may not be used at this time, or from here.",
		Next:  "Try again within the hours that are set for you, or ask your administrator.",
	}
	MessageNotAllowed = Message{
		Title: "You may not sign in here",
		What:  "Your provider knows you, but you do not have access to this service.",
		Next:  "Ask your administrator for access, or sign in with another account.",
	}
	MessageDenied = Message{
		Title: "You were not signed in",
		What:  "The provider refused this sign-in.",
		Next:  "Try again, or choose another way to sign in. If it happens again, ask your administrator.",
	}
	MessageNotRegistered = Message{
		Title: "There is no account for you yet",
		What:  "Your provider vouched for you, but you have no account here and cannot create one yourself.",
		Next:  "Ask your administrator to give you access.",
	}
	MessageInvitation = Message{
		Title: "This invitation does not work",
		What:  "It was used, has expired, or a newer one took its place.",
		Next:  "If you have used it yourself, sign in. Else ask your administrator for a new one.",
	}
	MessageInvitedOther = Message{
		Title: "You have an account already",
		What:  "What you signed in with leads to another account here than the one that you were invited to, and that never changes.",
		Next:  "Open the invitation again and choose another way to sign in, or sign in without it.",
	}
	MessageBusy = Message{
		Title: "Too many people are signing in",
		What:  "Your turn did not come in time, and nothing is lost.",
		Next:  "Wait a few seconds, then load this page again.",
	}
	MessageUnavailable = Message{
		Title: "The provider does not answer",
		What:  "The service that checks who you are cannot be reached at the moment.",
		Next:  "Wait a minute and try again, or choose another way to sign in.",
	}
	MessageNoStore = Message{
		Title: "The database does not answer",
		What:  "This service cannot look up who you are at the moment.",
		Next:  "Wait a minute and try again. If it lasts, tell your administrator.",
	}
	MessageOverloaded = Message{
		Title: "Too much at once",
		What:  "More is being sent to us than we can take at the moment.",
		Next:  "Wait a few seconds and try again.",
	}
	MessageMisconfigured = Message{
		Title: "This way to sign in does not work yet",
		What:  "The settings of this sign-in provider need a correction.",
		Next:  "Tell your administrator. Until then, choose another way to sign in.",
	}
	MessageInvalidResponse = Message{
		Title: "The provider’s answer did not hold",
		What:  "What came back from the provider did not pass our checks, so nobody was signed in.",
		Next:  "Start again. If it happens again, tell your administrator.",
	}
	MessageLogoutMessage = Message{
		Title: "The provider’s sign-out did not hold",
		What:  "What came from the provider did not pass our checks, or came a second time, so it changed nothing.",
		Next:  "If you want to sign out here, do so on the page that tells who you are.",
	}
	MessageAttemptExpired = Message{
		Title: "This sign-in has expired",
		What:  "Too much time has passed since it began.",
		Next:  "Sign in again. It takes only a moment.",
	}
	MessageAttemptOver = Message{
		Title: "This sign-in is over",
		What:  "It was finished already, and what you sent now came a second time.",
		Next:  "If you are not signed in, start again.",
	}
	MessageAttemptDropped = Message{
		Title: "You have started several sign-ins",
		What:  "Your browser keeps only the latest ones, and this one is not among them.",
		Next: "Start it again in this window. " +
			"If somebody sent you a link to this page, do not use it.",
	}
	MessageAttemptInvalid = Message{
		Title: "This sign-in cannot go on",
		What:  "What your browser kept of it does not fit, perhaps because this server has been updated meanwhile.",
		Next:  "Start again. It takes only a moment.",
	}
	MessageNoCookie = Message{
		Title: "This sign-in began somewhere else",
		What:  "Your browser did not send the cookie with which every sign-in begins.",
		Next: "Allow cookies for this site, and start again in this window. " +
			"If somebody sent you a link to this page, do not use it.",
	}
	MessageUnknownProvider = Message{
		Title: "Unknown way to sign in",
		What:  "There is no sign-in provider of that name here.",
		Next:  "Choose one on the sign-in page.",
	}
	MessageTooManyAttempts = Message{
		Title: "Too many attempts",
		What:  "There were too many attempts to sign in within a short time.",
		Next:  "Wait a few minutes, then try again.",
	}
	MessageTooManyChanges = Message{
		Title: "Too many changes",
		What:  "You changed your profile too often within a short time.",
		Next:  "Wait a few minutes, then try again.",
	}
	MessageLinkTaken = Message{
		Title: "That leads to another account",
		What:  "Whoever you signed in as there has an account of their own here. Nothing was changed.",
		Next:  "Sign in there as somebody else, or ask your administrator to bring the accounts together.",
	}
	MessageOtherSession = Message{
		Title: "This was begun in another session",
		What:  "Another way to sign in can be linked only in the browser that asked for it, while it stays signed in. Nothing was changed.",
		Next: "Go to your account and start again. " +
			"If somebody sent you a link to this page, do not use it.",
	}
	MessageElsewhere = Message{
		Title: "That does not work at this address",
		What:  "This way to sign in knows this site by its main address only. Nothing was changed.",
		Next:  "Go to your account there, and sign in if you are asked to.",
	}
	MessageLinkingOff = Message{
		Title: "You cannot change how you sign in",
		What:  "On this server people do not link ways to sign in by themselves.",
		Next:  "Ask your administrator to do it for you.",
	}
	MessageTooManyLinks = Message{
		Title: "There are too many ways to sign in",
		What:  "Your account has as many as there can be, and nothing was changed.",
		Next:  "Unlink one that you do not need, then try again.",
	}
	MessageLastLink = Message{
		Title: "You need that to sign in",
		What:  "It is the only way that leads to your account, and was not unlinked.",
		Next:  "Link another one first.",
	}
	MessageSessionEnded = Message{
		Title: "You are not signed in",
		What:  "There is no session, or it has ended.",
		Next:  "Sign in to go on.",
	}
	MessageAccessExpired = Message{
		Title: "Your access has expired",
		What:  "The access that you were given has expired.",
		Next:  "Refresh it, or sign in again.",
	}
	MessageCrossSite = Message{
		Title: "That came from another website",
		What:  "Another website asked for this in your name, so it was not done.",
		Next:  "If it was you who wanted it, do it again from a page of this site.",
	}
	MessageBadRedirect = Message{
		Title: "You cannot be sent there",
		What:  "The address to return to after signing in is not an allowed one, or too long.",
		Next:  "Sign in without it, or tell the people who run the app that you came from.",
	}
	MessageNotSeen = Message{
		Title: "The app does not see you",
		What:  "You are signed in here, and your browser does not tell the app so.",
		Next:  "Allow cookies for this site and try again. If it happens again, tell your administrator.",
	}
	MessageBadRequest = Message{
		Title: "That request was not understood",
		What:  "Something in the request is missing or not as it should be.",
		Next:  "Go back to where you came from and start again.",
	}
	MessageForbiddenField = Message{
		Title: "That is not to be seen here",
		What:  "The request asks for something about you that this server does not have, or does not let you change.",
		Next:  "Go back to where you came from and tell the people who run it.",
	}
	MessageNoData = Message{
		Title: "Only signing in happens here",
		What:  "This is Doorward, a login host: it has no collections, items, files, flows or settings of Directus.",
		Next:  "Ask the system that keeps them; people sign in to it here.",
	}
	MessageNoAccounts = Message{
		Title: "Accounts are not kept up here",
		What:  "This is Doorward, a login host: each person sees their own account at /users/me and /roles/me, and nobody sees others.",
		Next:  "Whoever runs it keeps up accounts and roles with doorward user and doorward role.",
	}
	MessageNoPasswords = Message{
		Title: "There are no passwords here",
		What:  "This is Doorward, a login host: it keeps neither passwords nor second factors, since people sign in through a provider.",
		Next:  "GET /auth lists the providers: sign in by POST /auth/login/{provider} or, in a browser, by going there, and change passwords at the provider.",
	}
	MessageNoStudio = Message{
		Title: "The Data Studio is not here",
		What:  "This is Doorward, a login host: it signs people in, and has no Data Studio.",
		Next:  "Sign in here, or go to the address of Directus itself.",
	}
	MessageNotFound = Message{
		Title: "There is nothing here",
		What:  "No page has this address.",
		Next:  "Check the address for mistakes, or go to the sign-in page.",
	}
	MessageMethodNotAllowed = Message{
		Title: "That does not work here",
		What:  "This address does not accept that kind of request.",
		Next:  "Start again from the sign-in page.",
	}
	MessageTooLarge = Message{
		Title: "That was too much at once",
		What:  "The request is larger than this server accepts.",
		Next:  "Start again. If it happens again, tell your administrator: the provider may be sending too much about you.",
	}
	MessageInternal = Message{
		Title: "Something went wrong here",
		What:  "The server met a problem that is not your fault.",
		Next:  "Try again in a minute. If it happens again, tell your administrator.",
	}
)

// TooManyAttempts is MessageTooManyAttempts for who knows how long to wait, at least a
// second.
func TooManyAttempts(wait time.Duration) Message {
	m := MessageTooManyAttempts
	span, unit := int(math.Ceil(wait.Minutes())), "minute"
	if wait <= time.Minute {
		span, unit = max(1, int(math.Ceil(wait.Seconds()))), "second"
	}
	if span > 1 {
		unit += "s"
	}
	m.Next = fmt.Sprintf("Wait %d %s, then load this page again. What you entered is not lost.", span, unit)
	return m
}
