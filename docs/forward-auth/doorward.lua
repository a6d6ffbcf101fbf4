-- Asks Doorward whether a request may pass. Uses the HTTP client of HAProxy and needs no other
-- library. Licensed under Apache-2.0, like all of Doorward.

local check = "http://127.0.0.1:8056/forward-auth" -- FORWARD_AUTH_ADDRESS
local session_cookie = "directus_session_token" -- SESSION_COOKIE_NAME
local secret = nil -- FORWARD_AUTH_SECRET, in quotes, if you have set one
local timeout = 5000 -- milliseconds

-- The client's headers that Doorward reads.
local asked = {
    "cookie", "authorization", "accept", "x-requested-with", "sec-fetch-mode",
    "origin", "access-control-request-method", "upgrade",
}

-- The headers with the identity, and the headers of a refusal for the browser.
local identity = { "remote-user", "remote-email", "remote-name", "remote-groups", "x-doorward-assertion" }
local refusal = { "location", "www-authenticate", "content-type", "cache-control", "vary", "referrer-policy" }

local function values(lines)
    local list = {}
    local i = 0
    while lines and lines[i] do
        list[#list + 1] = lines[i]
        i = i + 1
    end
    return list
end

local function question(txn, sent)
    local q = {
        ["x-forwarded-method"] = { txn.sf:method() },
        ["x-forwarded-proto"] = { txn.sf:ssl_fc() == "1" and "https" or "http" },
        ["x-forwarded-host"] = values(sent["host"]),
        ["x-forwarded-uri"] = { txn.sf:pathq() },
    }
    for _, name in ipairs(asked) do
        if sent[name] then q[name] = values(sent[name]) end
    end
    if secret then q["x-doorward-proxy"] = { secret } end
    return q
end

-- All cookies except the session cookie.
local function other_cookies(lines)
    local kept = {}
    for _, line in ipairs(values(lines)) do
        for cookie in line:gmatch("[^;]+") do
            cookie = cookie:match("^%s*(.-)%s*$")
            local name = cookie:match("^([^=]*)"):match("^(.-)%s*$")
            if cookie ~= "" and name ~= session_cookie then kept[#kept + 1] = cookie end
        end
    end
    return table.concat(kept, "; ")
end

local function refuse(txn, res)
    local reply = txn:reply({ status = res.status, body = res.body })
    for _, name in ipairs(refusal) do
        for _, value in ipairs(values(res.headers[name])) do reply:add_header(name, value) end
    end
    txn:done(reply)
end

core.register_action("doorward", { "http-req" }, function(txn)
    local sent = txn.http:req_get_headers()
    local res = core.httpclient():get({ url = check, headers = question(txn, sent), timeout = timeout })
    if not res or not res.headers or res.status < 200 or res.status > 499 then return end
    if res.status ~= 200 then return refuse(txn, res) end
    for _, name in ipairs(identity) do
        local said = values(res.headers[name])
        txn.http:req_del_header(name)
        if #said == 1 and said[1] ~= "" then txn.http:req_set_header(name, said[1]) end
    end
    local cookies = other_cookies(sent["cookie"])
    txn.http:req_del_header("cookie")
    if cookies ~= "" then txn.http:req_set_header("cookie", cookies) end
    if res.headers["x-doorward-bearer"] then txn.http:req_del_header("authorization") end
    txn:set_var("txn.doorward", "yes")
end)
