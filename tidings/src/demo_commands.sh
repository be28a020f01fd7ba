# A token for the app (Agora dialect)
TOKEN=$(curl -sS "$TIDINGS_URL/$TIDINGS_ORG/$TIDINGS_APP/token" -d "{\"grant_type\":\"client_credentials\",\"client_id\":\"$TIDINGS_CLIENT_ID\",\"client_secret\":\"$TIDINGS_CLIENT_SECRET\"}" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
# Two users
curl -sS "$TIDINGS_URL/$TIDINGS_ORG/$TIDINGS_APP/users" -H "Authorization: Bearer $TOKEN" -d '[{"username":"ann","password":"ann-secret"},{"username":"bob","password":"bob-secret"}]'; echo
# Ann writes to Bob (Agora dialect)
curl -sS "$TIDINGS_URL/$TIDINGS_ORG/$TIDINGS_APP/messages/users" -H "Authorization: Bearer $TOKEN" -d '{"from":"ann","to":["bob"],"type":"txt","body":{"msg":"hello, bob"}}'; echo
# Bob logs in and reads it (Lanying dialect)
BOB=$(curl -sS "$TIDINGS_URL/token/user" -H "app_id: $TIDINGS_LANYING_APP_ID" -d '{"name":"bob","password":"bob-secret"}' | sed 's/.*"token":"\([^"]*\)".*/\1/')
CONVERSATION=$(curl -sS "$TIDINGS_URL/message/unread" -H "app_id: $TIDINGS_LANYING_APP_ID" -H "access-token: $BOB" | sed 's/.*"uid":\([0-9]*\).*/\1/')
curl -sS "$TIDINGS_URL/message/conversation?opposite_id=$CONVERSATION&msg_id_start=0&limit=20" -H "app_id: $TIDINGS_LANYING_APP_ID" -H "access-token: $BOB"; echo
# What he has not read, that he has read it, and the count again
curl -sS "$TIDINGS_URL/message/unread" -H "app_id: $TIDINGS_LANYING_APP_ID" -H "access-token: $BOB"; echo
curl -sS "$TIDINGS_URL/message/ack?conversation_id=$CONVERSATION" -H "app_id: $TIDINGS_LANYING_APP_ID" -H "access-token: $BOB"; echo
curl -sS "$TIDINGS_URL/message/unread" -H "app_id: $TIDINGS_LANYING_APP_ID" -H "access-token: $BOB"; echo
