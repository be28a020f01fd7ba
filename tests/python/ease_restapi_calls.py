"""Every call of the PyPI package ease-restapi, unmodified, against a server.

python3 ease_restapi_calls.py URL ORG APP CLIENT_ID CLIENT_SECRET

All but its uploads, whose header value today's requests package refuses to send. Prints one JSON line per call: its name, whether the client took it for a success, and the answer.
"""

import json
import sys
import tempfile

from ease_restapi import config

url, config.APP_ORG, config.APP_NAME, config.CLIENT_ID, config.CLIENT_SECRET = sys.argv[1:]
config.HOST_SERVER = url
config.APP_KEY = "%s#%s" % (config.APP_ORG, config.APP_NAME)
config.DIR_DOWNLOAD_FILES = tempfile.mkdtemp()

# The client prints tokens; standard output is for the results.
results, sys.stdout = sys.stdout, sys.stderr

from ease_restapi import service  # noqa: E402

auth = service.AppClientAuth(config.CLIENT_ID, config.CLIENT_SECRET)


def call(name, function, *arguments, **named):
    try:
        success, answer = function(*arguments, **named)
    except Exception as fault:  # The client's own errors are results too.
        success, answer = False, repr(fault)
    print(json.dumps({"call": name, "success": success, "answer": answer}), file=results)
    return answer if success else {}


call("create_user_credit", service.create_user_credit, auth, "nora", "secret")
call("create_users", service.create_users, auth, [{"username": u, "password": "secret"} for u in ("omar", "pia", "quinn")])
call("pickup_user", service.pickup_user, auth, "nora")
call("pickup_users", service.pickup_users, auth, limit=2)
call("passwd_user", service.passwd_user, auth, "nora", "other-secret")
call("modify_nickname", service.modify_nickname, auth, "nora", "Nora N")
call("create_friend", service.create_friend, auth, "nora", "omar")
call("detail_friend", service.detail_friend, auth, "nora")
call("delete_friend", service.delete_friend, auth, "nora", "omar")
call("add_user_blacklist", service.add_user_blacklist, auth, "nora", ["omar", "pia"])
call("pickup_user_blacklist", service.pickup_user_blacklist, auth, "nora")
call("del_user_blacklist", service.del_user_blacklist, auth, "nora", "omar")
group = call("create_group", service.create_group, auth, service.build_group_data("tulips", "about", "nora", True, members=["omar"]))
group_id = group.get("data", {}).get("groupid", "0")
call("details_group", service.details_group, auth, group_id)
call("pickup_groups", service.pickup_groups, auth)
call("modify_group", service.modify_group, auth, group_id, groupname="roses", maxusers=300)
call("user_join_group", service.user_join_group, auth, group_id, "pia")
call("add_group_users", service.add_group_users, auth, group_id, ["quinn"])
call("pickup_group_users", service.pickup_group_users, auth, group_id)
call("pickup_user_group", service.pickup_user_group, auth, "pia")
call("user_kick_group", service.user_kick_group, auth, group_id, "pia")
text = service.MessageTxtData("hello", ["omar"], "users", "nora")
call("send_txt_message", service.send_txt_message, auth, text())
command = service.MessageTransmissionData("refresh", [group_id], "chatgroups", "nora")
call("send_transmission_message", service.send_transmission_message, auth, command())
call("look_user_status", service.look_user_status, auth, "nora")
call("offline_msg_count", service.offline_msg_count, auth, "nora")
call("delete_group", service.delete_group, auth, group_id)
call("delete_user", service.delete_user, auth, "quinn")
# Without `ql`; with one the server refuses, since it would delete other users than those that are meant.
call("delete_users", service.delete_users, auth, limit=10)
