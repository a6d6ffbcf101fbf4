"use strict";
document.getElementById("response").submit();
