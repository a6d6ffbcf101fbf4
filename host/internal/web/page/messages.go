package page

import (
	"fmt"
	"math"
	"time"
)

// Message tells people what happened and what to do next. It is our own
// plain text: the texts of providers and plugins go to the log.
type Message struct {
	Title string // a few words
	What  string // one sentence: what happened
	Next  string // what to do now
}

// The messages, by what happened.
var (
	MessageBadCredentials = Message{
		Title: "Incorrect user name or password",
		What:  "The user name or password is incorrect.",
		Next:  "Check both and try again. Make sure that Caps Lock is off.",
	}
	MessageCodeWrong = Message{
		Title: "Incorrect code",
		What:  "The code is incorrect.",
		Next:  "Enter the latest code that you were shown or sent.",
	}
	MessageCodeExpired = Message{
		Title: "That code has expired",
		What:  "The code is too old or was already used.",
		Next:  "Enter a new code.",
	}
	MessageNotAccepted = Message{
		Title: "That was not accepted",
		What:  "What you entered was not accepted.",
		Next:  "Check it and try again.",
	}
	MessageMoreWanted = Message{
		Title: "One more step",
		What:  "Signing in takes one more step.",
		Next:  "Enter what is asked for.",
	}
	MessageCancelled = Message{
		Title: "Sign-in cancelled",
		What:  "You cancelled the sign-in with your provider, or did not give permission.",
		Next:  "Nothing has changed. You can start again at any time.",
	}
	MessageAccountDisabled = Message{
		Title: "Your account is disabled",
		What:  "You have an account, but you cannot use it at the moment.",
		Next:  "Ask your administrator to enable it.",
	}
	MessageAccountLocked = Message{
		Title: "Your account is locked",
		What:  "The account is locked, perhaps after too many wrong passwords.",
		Next:  "Wait a while and try again, or ask your administrator to unlock it.",
	}
	MessagePasswordExpired = Message{
		Title: "Your password has expired",
		What:  "Your password is too old, so you need a new one.",
		Next:  "Change it in the way that your organisation provides, then sign in again.",
	}
	MessagePasswordMustChange = Message{
		Title: "Choose a new password",
		What:  "You must change your password before you can sign in.",
		Next:  "Change it in the way that your organisation provides, then sign in again.",
	}
	MessagePasswordsDiffer = Message{
		Title: "The new passwords do not match",
		What:  "The two new passwords are not the same.",
		Next:  "Enter the same new password twice.",
	}
	MessagePasswordRejected = Message{
		Title: "Choose another password",
		What:  "The new password was not accepted: it may be too short, too simple, or one that you used before.",
		Next:  "Choose a longer one that you have not used before.",
	}
	MessageAccountExpired = Message{
		Title: "Your account has expired",
		What:  "You have an account, but it has expired.",
		Next:  "Ask your administrator to extend it.",
	}
	MessageLogonNotPermitted = Message{
		Title: "You cannot sign in now",
		What:  "Your account cannot be used at this time, or from here.",
		Next:  "Try again during the hours that are set for you, or ask your administrator.",
	}
	MessageNotAllowed = Message{
		Title: "You cannot sign in here",
		What:  "Your provider knows you, but you do not have access to this service.",
		Next:  "Ask your administrator for access, or sign in with another account.",
	}
	MessageDenied = Message{
		Title: "You were not signed in",
		What:  "Your sign-in provider refused this sign-in.",
		Next:  "Try again, or choose another way to sign in. If it keeps happening, tell your administrator.",
	}
	MessageNotRegistered = Message{
		Title: "There is no account for you yet",
		What:  "Your provider confirmed who you are, but you have no account here and cannot create one yourself.",
		Next:  "Ask your administrator to give you access.",
	}
	MessageInvitation = Message{
		Title: "This invitation does not work",
		What:  "It was already used, it has expired, or a newer one has replaced it.",
		Next:  "If you used it yourself, sign in. Otherwise, ask your administrator for a new one.",
	}
	MessageInvitedOther = Message{
		Title: "You already have an account",
		What:  "The sign-in that you chose belongs to another account here, not to the one that you were invited to, and cannot be moved.",
		Next:  "Open the invitation again and choose another way to sign in, or sign in without it.",
	}
	MessageBusy = Message{
		Title: "Too many people are signing in",
		What:  "We could not serve you in time, but nothing is lost.",
		Next:  "Wait a few seconds, then reload this page.",
	}
	MessageUnavailable = Message{
		Title: "The sign-in provider does not respond",
		What:  "The service that checks who you are cannot be reached at the moment.",
		Next:  "Wait a minute and try again, or choose another way to sign in.",
	}
	MessageNoStore = Message{
		Title: "The database does not respond",
		What:  "We cannot look up who you are at the moment.",
		Next:  "Wait a minute and try again. If it keeps happening, tell your administrator.",
	}
	MessageOverloaded = Message{
		Title: "We are too busy right now",
		What:  "We are receiving more than we can handle at the moment.",
		Next:  "Wait a few seconds and try again.",
	}
	MessageMisconfigured = Message{
		Title: "This way to sign in is not available",
		What:  "This sign-in provider is not set up correctly.",
		Next:  "Tell your administrator. Until it is fixed, choose another way to sign in.",
	}
	MessageInvalidResponse = Message{
		Title: "We could not verify the sign-in",
		What:  "Something went wrong between us and your sign-in provider, so you were not signed in.",
		Next:  "Start again. If it keeps happening, tell your administrator.",
	}
	MessageLogoutMessage = Message{
		Title: "We could not verify the sign-out",
		What:  "We could not verify what your sign-in provider sent, or it came a second time, so nothing has changed.",
		Next:  "To sign out here, go to your account and sign out there.",
	}
	MessageAttemptExpired = Message{
		Title: "This sign-in has expired",
		What:  "Too much time has passed since you started.",
		Next:  "Sign in again. It takes only a moment.",
	}
	MessageAttemptOver = Message{
		Title: "This sign-in is over",
		What:  "It has already ended, and cannot be used a second time.",
		Next:  "If you are not signed in, start again.",
	}
	MessageAttemptDropped = Message{
		Title: "You have started several sign-ins",
		What:  "Your browser keeps only the latest ones, and this is not one of them.",
		Next:  "Start again in this window. If somebody sent you a link to this page, do not use it.",
	}
	MessageAttemptInvalid = Message{
		Title: "This sign-in cannot continue",
		What:  "What your browser remembers of it cannot be used, perhaps because this service was just updated.",
		Next:  "Start again. It takes only a moment.",
	}
	MessageNoCookie = Message{
		Title: "This sign-in started somewhere else",
		What:  "You started it in another browser or window, or your browser blocks cookies.",
		Next: "Allow cookies for this site, then start again in this window. " +
			"If somebody sent you a link to this page, do not use it.",
	}
	MessageUnknownProvider = Message{
		Title: "Unknown way to sign in",
		What:  "There is no sign-in provider with that name here.",
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
		Title: "That belongs to another account",
		What:  "The account that you signed in with there already leads to another account here, so nothing has changed.",
		Next:  "Sign in there as somebody else, or ask your administrator to merge the accounts.",
	}
	MessageOtherSession = Message{
		Title: "This was started somewhere else",
		What:  "You can link another way to sign in only in the browser where you started, while you stay signed in, so nothing has changed.",
		Next: "Nothing has changed. Go to your account and start again. " +
			"If somebody sent you a link to this page, do not use it.",
	}
	MessageElsewhere = Message{
		Title: "That does not work at this address",
		What:  "This way to sign in works only at the main address of this site, so nothing has changed.",
		Next:  "Go to your account there, and sign in if you are asked to.",
	}
	MessageLinkingOff = Message{
		Title: "You cannot change how you sign in",
		What:  "On this server, people cannot link ways to sign in themselves.",
		Next:  "Ask your administrator to do it for you.",
	}
	MessageTooManyLinks = Message{
		Title: "You have too many ways to sign in",
		What:  "Your account cannot have any more, so nothing has changed.",
		Next:  "Unlink one that you do not need, then try again.",
	}
	MessageLastLink = Message{
		Title: "You need that to sign in",
		What:  "It is the only way to sign in to your account, so it was not unlinked.",
		Next:  "Link another one first.",
	}
	MessageSessionEnded = Message{
		Title: "You are not signed in",
		What:  "You have not signed in, or your session has ended.",
		Next:  "Sign in to continue.",
	}
	MessageAccessExpired = Message{
		Title: "Your access has expired",
		What:  "The access that you were given has expired.",
		Next:  "Refresh it, or sign in again.",
	}
	MessageCrossSite = Message{
		Title: "That came from another website",
		What:  "Another website asked for this in your name, so we did not do it.",
		Next:  "If you wanted this, do it again from a page of this site.",
	}
	MessageBadRedirect = Message{
		Title: "We cannot send you back to that address",
		What:  "The address to return to after signing in is not an allowed one, or is too long.",
		Next:  "Sign in without it, or tell the people who run the app that you came from.",
	}
	MessageNotSeen = Message{
		Title: "The app does not see that you are signed in",
		What:  "You are signed in here, but your browser does not tell the app.",
		Next:  "Allow cookies for this site, then try again. If it keeps happening, tell your administrator.",
	}
	MessageBadRequest = Message{
		Title: "We could not understand that request",
		What:  "Something in the request is missing or incorrect.",
		Next:  "Go back to where you came from and start again.",
	}
	MessageForbiddenField = Message{
		Title: "You cannot see or change that here",
		What:  "The request asks for something about you that this server does not have, or does not let you change.",
		Next:  "Go back to where you came from, and tell the people who run it.",
	}
	MessageNoData = Message{
		Title: "This server only signs people in",
		What:  "This is Doorward, a login host: it does not have the collections, items, files, flows or settings of Directus.",
		Next:  "Send the request to the system that has them. People sign in to it here.",
	}
	MessageNoAccounts = Message{
		Title: "Accounts are not managed here",
		What:  "This is Doorward, a login host: people see their own account at /users/me and /roles/me, and nobody sees others.",
		Next:  "The operator manages accounts and roles with doorward user and doorward role.",
	}
	MessageNoPasswords = Message{
		Title: "There are no passwords here",
		What:  "This is Doorward, a login host: it stores no passwords or second factors, because people sign in through a provider.",
		Next:  "GET /auth lists the providers: sign in with POST /auth/login/{provider} or open that address in a browser, and change passwords with the provider.",
	}
	MessageNoStudio = Message{
		Title: "The Data Studio is not here",
		What:  "This is Doorward, a login host: it signs people in and does not have a Data Studio.",
		Next:  "Sign in here, or go to the address of Directus itself.",
	}
	MessageNotFound = Message{
		Title: "Page not found",
		What:  "There is no page at this address.",
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
		Next:  "Start again. If it keeps happening, tell your administrator: your sign-in provider may be sending too much about you.",
	}
	MessageInternal = Message{
		Title: "Something went wrong on our side",
		What:  "We have a problem that is not your fault.",
		Next:  "Try again in a minute. If it keeps happening, tell your administrator.",
	}
)

// TooManyAttempts is MessageTooManyAttempts with the time to wait: at least one second.
func TooManyAttempts(wait time.Duration) Message {
	m := MessageTooManyAttempts
	span, unit := int(math.Ceil(wait.Minutes())), "minute"
	if wait <= time.Minute {
		span, unit = max(1, int(math.Ceil(wait.Seconds()))), "second"
	}
	if span > 1 {
		unit += "s"
	}
	m.Next = fmt.Sprintf("Wait %d %s, then reload this page. What you entered is not lost.", span, unit)
	return m
}
